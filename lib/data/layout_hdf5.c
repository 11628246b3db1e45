/* Readers of the HDF5 forms. All come down to "fields": a plain dataset, or one
 * member of a compound dataset, that yields blocks of events as numbers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/artifact_internal.h"
#include "data/dataset.h"
#include "data/layouts.h"

typedef unsigned long long ull;

typedef struct {
    cb_h5 *f;
    const char *dataset, *member; /* member NULL: a plain dataset */
    hid_t set, memory;            /* dataset; memory type: double, or { member: double... } */
    char label[256];              /* for messages: "et", "CaloRegions.et" */
    uint64_t n;
    int height, width;
} field;

static void field_close(field *d) {
    if (d->memory > 0) H5Tclose(d->memory);
    if (d->set > 0) H5Dclose(d->set);
}

/* (N,H,W), (N,H,W,1) or (N,252); compound: the member's own axes follow the dataset's. */
static int field_shape(field *d, int rank, const uint64_t *dims) {
    if (rank == 4 && dims[3] == 1) rank = 3;
    if (rank == 2 && dims[1] == CB_REGIONS) {
        d->height = CB_PHI;
        d->width = CB_ETA;
    } else if (rank == 3 && dims[1] >= 1 && dims[1] <= 4096 && dims[2] >= 1 && dims[2] <= 4096) {
        d->height = (int)dims[1];
        d->width = (int)dims[2];
    } else {
        char shape[160] = "";
        for (int k = 0; k < rank; k++)
            snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%s%llu", k ? "," : "", (ull)dims[k]);
        return cb_fail("%s: dataset %s has shape (%s); (N,%d,%d), another (N,H,W), or (N,%d) wanted",
                       cb_h5_path(d->f), d->label, shape, CB_PHI, CB_ETA, CB_REGIONS);
    }
    d->n = dims[0];
    return 0;
}

static int field_plain(field *d, cb_h5 *f, const char *dataset) {
    *d = (field){.f = f, .dataset = dataset};
    snprintf(d->label, sizeof d->label, "%s", dataset);
    int rank;
    uint64_t dims[CB_MAX_RANK];
    if (cb_h5_shape(f, dataset, &rank, dims)) return -1;
    d->set = H5Dopen2(f->file, dataset, H5P_DEFAULT);
    hid_t type = d->set < 0 ? -1 : H5Dget_type(d->set);
    if (type < 0) return cb_h5_fail(f, dataset, "cannot open");
    bool number = cb_h5_is_number(type);
    H5Tclose(type);
    if (!number) return cb_fail("%s: dataset %s does not hold numbers", cb_h5_path(f), dataset);
    d->memory = H5Tcopy(H5T_NATIVE_DOUBLE);
    return field_shape(d, rank, dims);
}

/* The memory type { member: double or array of double }: HDF5 then reads that member alone. */
static int member_type(field *d, hid_t member, int *rank, uint64_t *dims) {
    hsize_t inner[CB_MAX_RANK] = {0};
    hid_t element = H5T_NATIVE_DOUBLE, base = H5Tcopy(member);
    if (H5Tget_class(member) == H5T_ARRAY) {
        int inner_rank = H5Tget_array_ndims(member);
        H5Tclose(base);
        base = H5Tget_super(member);
        if (inner_rank < 1 || inner_rank + *rank > CB_MAX_RANK) {
            H5Tclose(base);
            return cb_fail("%s: dataset %s: too many axes", cb_h5_path(d->f), d->label);
        }
        H5Tget_array_dims2(member, inner);
        for (int k = 0; k < inner_rank; k++) dims[(*rank)++] = inner[k];
        element = H5Tarray_create2(H5T_NATIVE_DOUBLE, (unsigned)inner_rank, inner);
    }
    bool number = cb_h5_is_number(base);
    H5Tclose(base);
    if (number) {
        d->memory = H5Tcreate(H5T_COMPOUND, H5Tget_size(element));
        H5Tinsert(d->memory, d->member, 0, element);
    }
    if (element != H5T_NATIVE_DOUBLE) H5Tclose(element);
    return number ? 0 : cb_fail("%s: dataset %s does not hold numbers", cb_h5_path(d->f), d->label);
}

static int field_member(field *d, cb_h5 *f, const char *dataset, const char *member) {
    *d = (field){.f = f, .dataset = dataset, .member = member};
    snprintf(d->label, sizeof d->label, "%s.%s", dataset, member);
    int rank;
    uint64_t dims[2 * CB_MAX_RANK];
    if (cb_h5_shape(f, dataset, &rank, dims)) return -1;
    d->set = H5Dopen2(f->file, dataset, H5P_DEFAULT);
    hid_t type = d->set < 0 ? -1 : H5Dget_type(d->set);
    if (type < 0) return cb_h5_fail(f, dataset, "cannot open");
    int at = H5Tget_member_index(type, member);
    hid_t inner = at < 0 ? -1 : H5Tget_member_type(type, (unsigned)at);
    int rc = inner < 0 ? cb_fail("%s: compound dataset %s has no member %s", cb_h5_path(f), dataset, member)
                       : member_type(d, inner, &rank, dims);
    if (inner >= 0) H5Tclose(inner);
    H5Tclose(type);
    return rc ? -1 : field_shape(d, rank, dims);
}

/* Events first .. first+n-1 as the memory type says. */
static int read_block(field *d, uint64_t first, uint64_t n, hid_t type, void *v) {
    hid_t space = H5Dget_space(d->set);
    hsize_t start[CB_MAX_RANK] = {first}, count[CB_MAX_RANK] = {0};
    int rank = H5Sget_simple_extent_dims(space, count, NULL), rc = 0;
    count[0] = n;
    hid_t memory = H5Screate_simple(rank, count, NULL);
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
        H5Dread(d->set, type, memory, space, H5P_DEFAULT, v) < 0)
        rc = cb_h5_fail(d->f, d->label, "cannot read; the file is damaged");
    H5Sclose(memory);
    H5Sclose(space);
    return rc;
}

/* Counts or flags of events first .. end-1: whole numbers 0..max, stored by `put`. */
static int field_range(field *d, uint64_t first, uint64_t end, int max, void (*put)(void *to, uint64_t i, int v), void *to) {
    uint64_t cells = (uint64_t)d->height * (uint64_t)d->width, step = 1 + 262144 / cells;
    double *v = cb_alloc(step * cells, sizeof *v);
    int rc = v ? 0 : -1;
    for (uint64_t at = first; at < end && !rc; at += step) {
        uint64_t n = at + step <= end ? step : end - at;
        rc = read_block(d, at, n, d->memory, v);
        for (uint64_t i = 0; i < n * cells && !rc; i++) {
            uint64_t region = i % cells;
            if (v[i] >= 0 && v[i] <= max && v[i] == floor(v[i]))
                put(to, (at - first) * cells + i, (int)v[i]);
            else
                rc = cb_fail("%s: dataset %s: event %llu region %llu (phi %llu, eta %llu) is %g; a whole "
                             "number from 0 to %d wanted", cb_h5_path(d->f), d->label, (ull)(at + i / cells),
                             (ull)region, (ull)(region / (uint64_t)d->width),
                             (ull)(region % (uint64_t)d->width), v[i], max);
        }
    }
    free(v);
    return rc;
}

static int field_read(field *d, int max, void (*put)(void *to, uint64_t i, int v), void *to) {
    return field_range(d, 0, d->n, max, put, to);
}

static void put_et(void *to, uint64_t i, int v) { ((uint16_t *)to)[i] = (uint16_t)v; }
static void put_bits(void *to, uint64_t i, int v) { ((uint8_t *)to)[i] = (uint8_t)v; }
static void put_tau(void *to, uint64_t i, int v) { ((uint8_t *)to)[i] |= (uint8_t)(v * CB_BIT_TAU); }
static void put_eg(void *to, uint64_t i, int v) { ((uint8_t *)to)[i] |= (uint8_t)(v * CB_BIT_EG); }

static int take_et(cb_images *m, field *et) {
    m->n = et->n;
    m->height = et->height;
    m->width = et->width;
    m->et = cb_alloc_aligned(et->n * (uint64_t)et->height * (uint64_t)et->width, sizeof *m->et);
    return m->et ? field_read(et, CB_ET_MAX, put_et, m->et) : -1;
}

static int take_bits(cb_images *m, field *b, int max, void (*put)(void *, uint64_t, int)) {
    if (b->n != m->n || b->height != m->height || b->width != m->width)
        return cb_fail("%s: dataset %s has %llu events of %d x %d, et has %llu of %d x %d", cb_h5_path(b->f),
                       b->label, (ull)b->n, b->height, b->width, (ull)m->n, m->height, m->width);
    if (!m->bits) m->bits = cb_alloc_aligned(m->n * (uint64_t)m->height * (uint64_t)m->width, 1);
    return m->bits ? field_read(b, max, put, m->bits) : -1;
}

/* One plain dataset into et or bits. */
static int plain(cb_images *m, cb_h5 *f, const char *name, int max, void (*put)(void *, uint64_t, int)) {
    field d;
    int rc = field_plain(&d, f, name);
    if (!rc) rc = put == put_et ? take_et(m, &d) : take_bits(m, &d, max, put);
    field_close(&d);
    return rc;
}

/* et, taubit, egbit as datasets of the group `prefix` ("" or "CaloRegions/"). */
static int open_data(cb_images *m, cb_h5 *f, const char *prefix) {
    char et[64], tau[64], eg[64], bits[64];
    snprintf(et, sizeof et, "%set", prefix);
    snprintf(tau, sizeof tau, "%staubit", prefix);
    snprintf(eg, sizeof eg, "%segbit", prefix);
    snprintf(bits, sizeof bits, "%sbits", prefix);
    if (plain(m, f, et, CB_ET_MAX, put_et)) return -1;
    bool has_tau = cb_h5_exists(f, tau), has_eg = cb_h5_exists(f, eg);
    if (has_tau != has_eg)
        return cb_fail("%s: dataset %s is missing beside %s", cb_h5_path(f), has_tau ? eg : tau,
                       has_tau ? tau : eg);
    if (has_tau)
        return plain(m, f, tau, 1, put_tau) || plain(m, f, eg, 1, put_eg) ? -1 : 0;
    return cb_h5_exists(f, bits) ? plain(m, f, bits, 3, put_bits) : 0;
}

static bool has_member(cb_h5 *f, const char *dataset, const char *member) {
    hid_t set = H5Dopen2(f->file, dataset, H5P_DEFAULT);
    hid_t type = set < 0 ? -1 : H5Dget_type(set);
    bool is = type >= 0 && H5Tget_class(type) == H5T_COMPOUND && H5Tget_member_index(type, member) >= 0;
    if (type >= 0) H5Tclose(type);
    if (set >= 0) H5Dclose(set);
    return is;
}

static int compound_bits(cb_images *m, cb_h5 *f, const char *dataset) {
    field tau = {0}, eg = {0};
    int rc = field_member(&tau, f, dataset, "taubit") || field_member(&eg, f, dataset, "egbit") ||
             take_bits(m, &tau, 1, put_tau) || take_bits(m, &eg, 1, put_eg);
    field_close(&tau);
    field_close(&eg);
    return rc ? -1 : 0;
}

static int compound(cb_images *m, cb_h5 *f, const char *dataset) {
    field et;
    int rc = field_member(&et, f, dataset, "et") || take_et(m, &et) ? -1 : 0;
    field_close(&et);
    if (!rc && (has_member(f, dataset, "taubit") || has_member(f, dataset, "egbit")))
        rc = compound_bits(m, f, dataset);
    return rc;
}

/* Name of the only root dataset that is a compound with et; NULL if none or several. */
static char *find_compound(cb_h5 *f) {
    uint64_t n;
    char **list = cb_h5_list(f, "/", &n), *found = NULL;
    if (!list) return NULL;
    int count = 0;
    for (uint64_t i = 0; i < n; i++)
        if (has_member(f, list[i], "et")) {
            count++;
            if (!found) found = cb_strdup(list[i]);
        }
    free(list);
    if (count != 1) {
        free(found);
        found = NULL;
    }
    return found;
}

static int unknown(cb_h5 *f) {
    char names[512] = "";
    uint64_t n = 0;
    char **list = cb_h5_list(f, "/", &n);
    for (uint64_t i = 0; list && i < n && strlen(names) < 400; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), " %.64s", list[i]);
    free(list);
    return cb_fail("%s: no images: neither et (open data) nor CaloRegions nor a compound dataset with "
                   "member et; the file holds:%s", cb_h5_path(f), *names ? names : " nothing");
}

/* Where the counts are; the name of the layout. */
static int open_et(field *d, cb_h5 *f, const char **layout) {
    if (cb_h5_exists(f, "et")) return *layout = "open-data", field_plain(d, f, "et");
    if (cb_h5_exists(f, "CaloRegions/et")) return *layout = "CaloRegions group", field_plain(d, f, "CaloRegions/et");
    if (cb_h5_exists(f, "CaloRegions") && !has_member(f, "CaloRegions", "et"))
        return *layout = "CaloRegions", field_plain(d, f, "CaloRegions");
    *layout = "compound";
    char *dataset = cb_h5_exists(f, "CaloRegions") ? cb_strdup("CaloRegions") : find_compound(f);
    int rc = dataset ? field_member(d, f, dataset, "et") : unknown(f);
    free(dataset);
    return rc;
}

static int find_images(cb_images *m, cb_h5 *f) {
    if (cb_h5_exists(f, "et")) {
        m->layout = "open-data";
        return open_data(m, f, "");
    }
    if (cb_h5_exists(f, "CaloRegions/et")) {
        m->layout = "CaloRegions group";
        return open_data(m, f, "CaloRegions/");
    }
    if (cb_h5_exists(f, "CaloRegions") && !has_member(f, "CaloRegions", "et")) {
        m->layout = "CaloRegions";
        return plain(m, f, "CaloRegions", CB_ET_MAX, put_et);
    }
    m->layout = "compound";
    char *dataset = cb_h5_exists(f, "CaloRegions") ? cb_strdup("CaloRegions") : find_compound(f);
    if (!dataset) return unknown(f);
    int rc = compound(m, f, dataset);
    free(dataset);
    return rc;
}

/* An optional column of small numbers, one an event. */
static int column(cb_images *m, cb_h5 *f, const char *name, int max, uint8_t **to) {
    if (!cb_h5_exists(f, name)) return 0;
    uint64_t n = m->n;
    *to = cb_h5_read(f, name, CB_U8, 1, &n);
    if (!*to) return -1;
    for (uint64_t i = 0; i < n; i++)
        if ((*to)[i] > max)
            return cb_fail("%s: dataset %s: event %llu is %d; 0 to %d wanted", cb_h5_path(f), name, (ull)i,
                           (*to)[i], max);
    return 0;
}

int cb_layout_hdf5(cb_images *m, cb_h5 *f) {
    if (find_images(m, f)) return -1;
    if (!m->n) return cb_fail("%s: no events", cb_h5_path(f));
    return column(m, f, "AcceptanceFlag", 1, &m->accept) || column(m, f, "split", CB_TEST, &m->split) ? -1 : 0;
}

/* ---- part by part ---- */

/* Memory type of 16 bits without a conversion, where the counts are stored so; else 0. */
static hid_t plain_16(const field *d) {
    hid_t type = d->member ? -1 : H5Dget_type(d->set), as = 0;
    if (type < 0) return 0;
    if (H5Tget_class(type) == H5T_INTEGER && H5Tget_size(type) == 2)
        as = H5Tget_sign(type) == H5T_SGN_NONE ? H5T_NATIVE_UINT16 : H5T_NATIVE_INT16;
    H5Tclose(type);
    return as;
}

/* Counts of a part. A wrong one, also a negative one, shows in the upper bits; then the
 * thorough reader is asked, which names it. */
static int read_counts(field *d, hid_t as, uint64_t first, uint64_t n, uint16_t *et) {
    if (as) {
        uint64_t cells = n * (uint64_t)d->height * (uint64_t)d->width;
        unsigned any = 0;
        if (read_block(d, first, n, as, et)) return -1;
        for (uint64_t i = 0; i < cells; i++) any |= et[i];
        if (any <= CB_ET_MAX) return 0;
    }
    return field_range(d, first, first + n, CB_ET_MAX, put_et, et);
}

int cb_layout_hdf5_each(cb_h5 *f, uint64_t events, cb_images_taker *take, void *context) {
    field d = {0};
    cb_images part = {0};
    int rc = open_et(&d, f, &part.layout);
    if (!rc && !d.n) rc = cb_fail("%s: no events", cb_h5_path(f));
    part.height = d.height, part.width = d.width;
    if (!rc && events > d.n) events = d.n;
    if (!rc) part.et = cb_alloc_aligned(events * (uint64_t)d.height * (uint64_t)d.width, sizeof *part.et);
    hid_t as = part.et ? plain_16(&d) : 0;
    if (!part.et) rc = -1;
    for (uint64_t at = 0; at < d.n && !rc; at += events) {
        part.n = d.n - at < events ? d.n - at : events;
        rc = read_counts(&d, as, at, part.n, part.et);
        if (!rc) rc = take(context, &part, at);
    }
    free(part.et);
    field_close(&d);
    return rc;
}
