/* Every form of input images, good and bad, and the inverse writers. */
#include <hdf5.h>

#include "base/rng.h"
#include "data/dataset.h"
#include "data/layouts.h"
#include "unit.h"

/* See test_artifact.c: what HDF5 1.10 forgets when it refuses damaged metadata. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) { return "leak:libhdf5"; }

static int load_fails(const char *path) {
    cb_images m;
    if (cb_images_load(&m, path)) return -1;
    cb_images_free(&m);
    return 0;
}

static bool same_images(const cb_images *a, const cb_images *b) {
    uint64_t cells = a->n * (uint64_t)a->height * (uint64_t)a->width;
    if (a->n != b->n || a->height != b->height || a->width != b->width) return false;
    if (memcmp(a->et, b->et, cells * 2) || !a->bits != !b->bits || !a->split != !b->split) return false;
    return (!a->bits || !memcmp(a->bits, b->bits, cells)) && (!a->split || !memcmp(a->split, b->split, a->n));
}

/* Parts of 2 events against the whole. */
typedef struct {
    const cb_images *whole;
    uint64_t next;
    bool same;
} parts;

static int take_part(void *context, const cb_images *part, uint64_t first) {
    parts *p = context;
    const cb_images *m = p->whole;
    uint64_t cells = (uint64_t)m->height * (uint64_t)m->width;
    p->same &= first == p->next && part->n >= 1 && part->n <= 2 && first + part->n <= m->n && part->height == m->height &&
               part->width == m->width && !strcmp(part->layout, m->layout) &&
               !memcmp(part->et, m->et + first * cells, part->n * cells * sizeof *m->et);
    p->next = first + part->n;
    return 0;
}

static bool same_in_parts(const char *path, const cb_images *m) {
    parts p = {.whole = m, .same = true};
    UNIT_OK(cb_images_each(path, 2, take_part, &p));
    return p.same && p.next == m->n;
}

static int ignore_part(void *context, const cb_images *part, uint64_t first) { return 0; }
static int refuse_part(void *context, const cb_images *part, uint64_t first) {
    return first ? cb_fail("enough") : 0;
}

/* The recorded events decoded by others (data/README.md). */
static void test_card_recorded(void) {
    cb_images card, decoded;
    UNIT_OK(cb_images_load(&card, "data/firmware/testvectors_in.txt"));
    UNIT_OK(cb_images_load(&decoded, "data/firmware/inputs_events256.h5"));
    CU_ASSERT(card.n == 256 && decoded.n == 256 && card.bits && !decoded.bits);
    CU_ASSERT(!strcmp(card.layout, "trigger card") && !strcmp(decoded.layout, "open-data"));
    CU_ASSERT(same_in_parts("data/firmware/testvectors_in.txt", &card));
    CU_ASSERT(same_in_parts("data/firmware/inputs_events256.h5", &decoded));
    UNIT_FAILS(cb_images_each("data/firmware/testvectors_in.txt", 100, refuse_part, NULL), "enough");
    UNIT_FAILS(cb_images_each("data/firmware/inputs_events256.h5", 100, refuse_part, NULL), "enough");
    CU_ASSERT(card.et && decoded.et && !memcmp(card.et, decoded.et, 256 * CB_REGIONS * 2));
    unsigned tau = 0, eg = 0, ghosts = 0;
    for (int i = 0; card.bits && i < 256 * CB_REGIONS; i++) {
        tau += card.bits[i] & CB_BIT_TAU;
        eg += (card.bits[i] & CB_BIT_EG) != 0;
        ghosts += card.bits[i] && !card.et[i];
    }
    CU_ASSERT(tau > 1000 && eg > 1000 && ghosts == 0); /* an empty region carries no veto */
    cb_images_free(&card);
    cb_images_free(&decoded);
}

/* Words written by hand from the format: region 0 of link 0 is 5 counts with e/gamma veto, region 1
 * 1023 counts with tau veto (it crosses the first two words), the last region of link 35 is 7. */
static void test_card_by_hand(void) {
    const char *path = unit_scratch("hand.txt");
    char *text = cb_strdup("#BeginData\n");
    for (int row = 0; row < 4 && text; row++)
        for (int link = -1; link < 36 && text; link++) {
            unsigned word = link == 0 && row == 0    ? (5u | 1u << 10) << 8 | 0xffu << 24
                            : link == 0 && row == 1  ? 0x3u | 1u << 3 | 0xf0u /* position bits */
                            : link == 35 && row == 3 ? 7u << 8
                                                     : 0;
            char *more = link < 0 ? cb_textf("%s0x%04x", text, row) : cb_textf("%s\t0x%08x%s", text, word, link == 35 ? "\n" : "");
            free(text);
            text = more;
        }
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    UNIT_OK(cb_file_write(path, text));
    cb_images m;
    UNIT_OK(cb_images_load(&m, path));
    CU_ASSERT_FATAL(m.n == 1 && m.et && m.bits);
    CU_ASSERT(m.et[0] == 5 && m.bits[0] == CB_BIT_EG);
    CU_ASSERT(m.et[1] == 1023 && m.bits[1] == CB_BIT_TAU);
    CU_ASSERT(m.et[251] == 7 && m.bits[251] == 0);
    unsigned sum = 0;
    for (int i = 0; i < CB_REGIONS; i++) sum += m.et[i] + m.bits[i];
    CU_ASSERT_EQUAL(sum, 5 + 1023 + 7 + CB_BIT_EG + CB_BIT_TAU);
    cb_images_free(&m);
    free(text);
    unlink(path);
}

static void test_card_round_trip(void) {
    const char *path = unit_scratch("card.txt");
    cb_images a, b;
    UNIT_OK(cb_images_load(&a, "data/firmware/testvectors_in.txt"));
    UNIT_OK(cb_images_save_card(&a, path));
    UNIT_OK(cb_images_load(&b, path));
    CU_ASSERT(same_images(&a, &b));
    cb_images_free(&b);
    size_t n, m; /* the head is the recorded one, and so is the form of the rows */
    char *ours = cb_file_read(path, &n), *theirs = cb_file_read("data/firmware/testvectors_in.txt", &m);
    CU_ASSERT_FATAL(ours && theirs && strstr(theirs, "0x0000"));
    CU_ASSERT(n == m && !memcmp(ours, theirs, (size_t)(strstr(theirs, "0x0000") - theirs)));
    free(ours);
    free(theirs);
    cb_rng r = cb_rng_at(1, "test card", 0);
    for (int i = 0; i < 256 * CB_REGIONS; i++) {
        a.et[i] = (uint16_t)cb_rng_below(&r, 1024);
        a.bits[i] = (uint8_t)cb_rng_below(&r, 4);
    }
    UNIT_OK(cb_images_save_card(&a, path));
    UNIT_OK(cb_images_load(&b, path));
    CU_ASSERT(same_images(&a, &b));
    cb_images_free(&b);
    a.height = 14;
    a.width = 18;
    UNIT_FAILS(cb_images_save_card(&a, path), "the trigger card takes 18 x 14");
    cb_images_free(&a);
    unlink(path);
}

/* The recorded file with one change each. */
static void card_change(const char *find, const char *put, const char *message) {
    const char *path = unit_scratch("bad.txt");
    char *text = cb_file_read("data/firmware/testvectors_in.txt", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    char *at = strstr(text, find);
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    *at = 0;
    char *bad = cb_textf("%s%s%s", text, put, at + strlen(find));
    UNIT_OK(cb_file_write(path, bad));
    UNIT_FAILS(load_fails(path), message);
    free(text);
    free(bad);
    unlink(path);
}

static void test_card_bad(void) {
    card_change("#BeginData", "#Begin", "no line #BeginData");
    card_change("\n0x0000\t0x00000000", "\n0x0000\t0xzz000000", "bad.txt:4: link 0: '0xzz000000");
    card_change("\n0x0000\t0x00000000", "\n0x0000\t0x100000000", "not a 32-bit hexadecimal word");
    card_change("\n0x0000\t0x00000000", "\n0x0000", "bad.txt:4: link 35: ''");
    card_change("\n0x0001\t", "\n0x0002\t", "bad.txt:5: counter 0x0002, 0x0001 wanted");
    card_change("\n0x0000\t", "\n0x0000\t0x00000000\t", "bad.txt:4: more than 36 link words");
    card_change("\n0x03ff\t", "\n\n#", "bad.txt:1028");
    const char *path = unit_scratch("cut.txt");
    char *text = cb_file_read("data/firmware/testvectors_in.txt", NULL), *at = text ? strstr(text, "\n0x03ff") : NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    at[1] = 0;
    UNIT_OK(cb_file_write(path, text));
    UNIT_FAILS(load_fails(path), "1023 rows after #BeginData; a multiple of 4 wanted");
    *strstr(text, "\n0x0000") = 0;
    UNIT_OK(cb_file_write(path, text));
    UNIT_FAILS(load_fails(path), "no events");
    free(text);
    unlink(path);
}

/* A CSV line of 252 cells with one cell replaced; "" drops the cell. */
static char *csv_line(int cell, const char *put) {
    char *line = cb_alloc(8192, 1);
    if (!line) abort();
    for (int i = 0; i < CB_REGIONS; i++) {
        if (i == cell && !*put) continue;
        if (*line) strcat(line, ",");
        sprintf(line + strlen(line), "%s", i == cell ? put : "7");
    }
    return strcat(line, "\n");
}

static void csv_bad(int cell, const char *put, const char *message) {
    const char *path = unit_scratch("bad.csv");
    char *good = csv_line(-1, ""), *bad = csv_line(cell, put), *text = cb_textf("# head\n%s%s%s", good, bad, good);
    UNIT_OK(cb_file_write(path, text));
    UNIT_FAILS(load_fails(path), message);
    UNIT_FAILS(cb_images_each(path, 1, ignore_part, NULL), message);
    free(good);
    free(bad);
    free(text);
    unlink(path);
}

static void test_csv(void) {
    const char *path = unit_scratch("good.csv");
    char *line = csv_line(251, " 1023 "), *text = cb_textf("# comment\n\n%s\r\n%s", line, line);
    text[strlen(text) - 1] = 0; /* no newline at the end */
    UNIT_OK(cb_file_write(path, text));
    cb_images m;
    UNIT_OK(cb_images_load(&m, path));
    CU_ASSERT(m.n == 2 && m.height == 18 && m.width == 14 && !m.bits && !strcmp(m.layout, "CSV"));
    CU_ASSERT(m.et && m.et[0] == 7 && m.et[251] == 1023 && m.et[503] == 1023);
    CU_ASSERT(same_in_parts(path, &m));
    UNIT_FAILS(cb_images_each(path, 1, refuse_part, NULL), "enough");
    cb_images_free(&m);
    free(line);
    free(text);
    unlink(path);
    csv_bad(3, "1024", "bad.csv:3: region 3 is 1024; 0 to 1023 wanted");
    csv_bad(3, "-1", "bad.csv:3: region 3 is -1");
    csv_bad(3, "1.5", "bad.csv:3: region 3: '1.5' is not a whole number");
    csv_bad(251, "nan", "region 251: 'nan' is not a whole number");
    csv_bad(0, " ", "region 0: '' is not a whole number");
    csv_bad(251, "7,", "more than 252 numbers");
    csv_bad(3, "", "bad.csv:3: 251 numbers, 252 wanted");
    csv_bad(3, "99999999999999999999", "0 to 1023 wanted");
}

/* ---- HDF5 forms ---- */
static void regions_file(const char *path, cb_type t, int height, int width, double special, bool flags) {
    cb_h5 *f = cb_h5_create(path, "x/1", "test", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    enum { N = 5 };
    int cells = height * width;
    double *v = cb_alloc((size_t)(N * cells), 8);
    float *v32 = cb_alloc((size_t)(N * cells), 4);
    int16_t *v16 = cb_alloc((size_t)(N * cells), 2);
    for (int i = 0; i < N * cells; i++) v[i] = i % 1024;
    v[3 * cells + width + 2] = special;
    for (int i = 0; i < N * cells; i++) {
        v32[i] = (float)v[i];
        v16[i] = t == CB_I16 ? (int16_t)v[i] : 0;
    }
    uint64_t dims[4] = {N, (uint64_t)height, (uint64_t)width, 1};
    const void *data = t == CB_F64 ? (const void *)v : t == CB_F32 ? (const void *)v32 : (const void *)v16;
    UNIT_OK(cb_h5_write(f, "CaloRegions", t, t == CB_F32 ? 4 : 3, dims, data));
    if (flags) UNIT_OK(cb_h5_write(f, "AcceptanceFlag", CB_F64, 1, dims, (double[]){1, 0, 1, 1, 0}));
    UNIT_OK(cb_h5_commit(&f));
    free(v);
    free(v32);
    free(v16);
}

static void test_regions(void) {
    const char *path = unit_scratch("regions.h5");
    cb_type types[] = {CB_F64, CB_F32, CB_I16};
    for (int i = 0; i < 3; i++) {
        regions_file(path, types[i], 18, 14, 1023, i != 1);
        cb_images m;
        UNIT_OK(cb_images_load(&m, path));
        CU_ASSERT(m.n == 5 && m.height == 18 && m.width == 14 && !m.bits && !m.split && !strcmp(m.layout, "CaloRegions"));
        CU_ASSERT(m.et && m.et[1023] == 1023 && m.et[1100] == 76 && m.et[3 * 252 + 16] == 1023);
        CU_ASSERT(same_in_parts(path, &m));
        CU_ASSERT(i == 1 ? !m.accept : m.accept && m.accept[0] == 1 && m.accept[1] == 0 && m.accept[4] == 0);
        cb_images_free(&m);
    }
    regions_file(path, CB_F64, 7, 40, 3, false); /* the shape comes from the data */
    cb_images m;
    UNIT_OK(cb_images_load(&m, path));
    CU_ASSERT(m.height == 7 && m.width == 40 && m.et && m.et[281] == 281);
    cb_images_free(&m);
    regions_file(path, CB_F64, 18, 14, 1024, false);
    UNIT_FAILS(load_fails(path), "regions.h5: dataset CaloRegions: event 3 region 16 (phi 1, eta 2) is 1024; a whole number from 0 to 1023 wanted");
    regions_file(path, CB_I16, 18, 14, -2, false);
    UNIT_FAILS(load_fails(path), "event 3 region 16 (phi 1, eta 2) is -2");
    UNIT_FAILS(cb_images_each(path, 2, ignore_part, NULL), "event 3 region 16 (phi 1, eta 2) is -2");
    regions_file(path, CB_I16, 18, 14, 1024, false);
    UNIT_FAILS(cb_images_each(path, 4, ignore_part, NULL), "event 3 region 16 (phi 1, eta 2) is 1024");
    regions_file(path, CB_F32, 18, 14, 0.5, false);
    UNIT_FAILS(load_fails(path), "event 3 region 16 (phi 1, eta 2) is 0.5");
    regions_file(path, CB_F32, 18, 14, NAN, false);
    UNIT_FAILS(load_fails(path), "dataset CaloRegions: event 3 region 16 (phi 1, eta 2) is nan; a whole number");
    unlink(path);
}

static void opendata_file(const char *path, bool eg, uint64_t eg_width, int tau, uint8_t split) {
    cb_h5 *f = cb_h5_create(path, "x/1", "test", "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    static int16_t et[2 * 252];
    static uint8_t bit[2 * 252];
    bit[300] = (uint8_t)tau;
    UNIT_OK(cb_h5_write(f, "et", CB_I16, 3, (uint64_t[]){2, 18, 14}, et));
    UNIT_OK(cb_h5_write(f, "taubit", CB_U8, 3, (uint64_t[]){2, 18, 14}, bit));
    if (eg) UNIT_OK(cb_h5_write(f, "egbit", CB_U8, 3, (uint64_t[]){2, 18, eg_width}, bit));
    UNIT_OK(cb_h5_write(f, "split", CB_U8, 1, (uint64_t[]){2}, (uint8_t[]){0, split}));
    UNIT_OK(cb_h5_commit(&f));
}

static void test_opendata_bad(void) {
    const char *path = unit_scratch("od.h5");
    opendata_file(path, true, 14, 1, 2);
    UNIT_OK(load_fails(path));
    opendata_file(path, false, 14, 1, 2);
    UNIT_FAILS(load_fails(path), "dataset egbit is missing beside taubit");
    opendata_file(path, true, 13, 1, 2);
    UNIT_FAILS(load_fails(path), "egbit has 2 events of 18 x 13, et has 2 of 18 x 14");
    opendata_file(path, true, 14, 2, 2);
    UNIT_FAILS(load_fails(path), "dataset taubit: event 1 region 48 (phi 3, eta 6) is 2; a whole number from 0 to 1 wanted");
    opendata_file(path, true, 14, 1, 3);
    UNIT_FAILS(load_fails(path), "dataset split: event 1 is 3; 0 to 2 wanted");
    cb_h5 *f = cb_h5_create(path, "x/1", "test", "");
    UNIT_OK(cb_h5_write(f, "CaloRegions", CB_U8, 3, (uint64_t[]){2, 2, 2}, (uint8_t[8]){0}));
    UNIT_OK(cb_h5_write(f, "AcceptanceFlag", CB_U8, 1, (uint64_t[]){3}, (uint8_t[3]){0}));
    UNIT_OK(cb_h5_commit(&f));
    UNIT_FAILS(load_fails(path), "dataset AcceptanceFlag has shape (3), (2) wanted");
    unlink(path);
}

static void test_opendata_round_trip(void) {
    const char *path = unit_scratch("od2.h5");
    cb_images a, b;
    UNIT_OK(cb_images_load(&a, "data/firmware/testvectors_in.txt"));
    a.split = cb_alloc(a.n, 1);
    for (uint64_t i = 0; i < a.n; i++) a.split[i] = (uint8_t)(i % 3);
    UNIT_OK(cb_images_save_opendata(&a, path, "test", "", "data/firmware/testvectors_in.txt"));
    UNIT_OK(cb_images_load(&b, path));
    CU_ASSERT(same_images(&a, &b) && !strcmp(b.layout, "open-data"));
    cb_images_free(&b);
    free(a.bits);
    free(a.split);
    a.bits = a.split = NULL;
    UNIT_OK(cb_images_save_opendata(&a, path, "test", "", NULL));
    UNIT_OK(cb_images_load(&b, path));
    CU_ASSERT(same_images(&a, &b));
    cb_images_free(&a);
    cb_images_free(&b);
    unlink(path);
}

/* h5py's structured arrays: scalars on (N,18,14), or array members on (N); booleans are enums. */
typedef struct {
    int16_t et;
    int8_t taubit, egbit;
} cell;
typedef struct {
    int16_t et[18][14];
    int8_t taubit[18][14], egbit[18][14];
} image;

static hid_t boolean(void) {
    hid_t t = H5Tenum_create(H5T_NATIVE_INT8);
    int8_t no = 0, yes = 1;
    H5Tenum_insert(t, "FALSE", &no);
    H5Tenum_insert(t, "TRUE", &yes);
    return t;
}

static hid_t compound_type(bool arrays) {
    hsize_t dims[2] = {18, 14};
    hid_t b = boolean(), et = arrays ? H5Tarray_create2(H5T_NATIVE_INT16, 2, dims) : H5Tcopy(H5T_NATIVE_INT16);
    hid_t flag = arrays ? H5Tarray_create2(b, 2, dims) : H5Tcopy(b);
    hid_t t = H5Tcreate(H5T_COMPOUND, arrays ? sizeof(image) : sizeof(cell));
    H5Tinsert(t, "et", arrays ? HOFFSET(image, et) : HOFFSET(cell, et), et);
    H5Tinsert(t, "taubit", arrays ? HOFFSET(image, taubit) : HOFFSET(cell, taubit), flag);
    H5Tinsert(t, "egbit", arrays ? HOFFSET(image, egbit) : HOFFSET(cell, egbit), flag);
    H5Tclose(b);
    H5Tclose(et);
    H5Tclose(flag);
    return t;
}

static void compound_file(const char *path, const char *name, bool arrays, int16_t special) {
    static image im[3];
    static cell c[3][18][14];
    cb_rng r = cb_rng_at(1, "test compound", 0);
    for (int e = 0; e < 3; e++)
        for (int p = 0; p < 18; p++)
            for (int q = 0; q < 14; q++) {
                int16_t et = e == 2 && p == 5 && q == 6 ? special : (int16_t)cb_rng_below(&r, 1024);
                int8_t tau = (int8_t)cb_rng_below(&r, 2), eg = (int8_t)cb_rng_below(&r, 2);
                c[e][p][q] = (cell){et, tau, eg};
                im[e].et[p][q] = et;
                im[e].taubit[p][q] = tau;
                im[e].egbit[p][q] = eg;
            }
    hsize_t dims[3] = {3, 18, 14};
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(arrays ? 1 : 3, dims, NULL), t = compound_type(arrays);
    hid_t set = H5Dcreate2(file, name, t, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT_FATAL(set >= 0 && H5Dwrite(set, t, H5S_ALL, H5S_ALL, H5P_DEFAULT, arrays ? (void *)im : (void *)c) >= 0);
    H5Dclose(set);
    H5Tclose(t);
    H5Sclose(space);
    H5Fclose(file);
}

static void test_compound(void) {
    const char *a = unit_scratch("c1.h5"), *b = unit_scratch("c2.h5");
    compound_file(a, "CaloRegions", false, 1000);
    compound_file(b, "events", true, 1000);
    cb_images m, n;
    UNIT_OK(cb_images_load(&m, a));
    UNIT_OK(cb_images_load(&n, b));
    CU_ASSERT(m.n == 3 && m.height == 18 && m.width == 14 && !strcmp(m.layout, "compound"));
    CU_ASSERT(same_in_parts(a, &m) && same_in_parts(b, &n));
    CU_ASSERT(same_images(&m, &n) && m.et[2 * 252 + 76] == 1000);
    unsigned kinds[4] = {0};
    for (int i = 0; m.bits && i < 3 * 252; i++) kinds[m.bits[i] & 3]++;
    CU_ASSERT(kinds[0] > 100 && kinds[1] > 100 && kinds[2] > 100 && kinds[3] > 100);
    cb_images_free(&m);
    cb_images_free(&n);
    compound_file(a, "CaloRegions", false, -1);
    UNIT_FAILS(load_fails(a), "dataset CaloRegions.et: event 2 region 76 (phi 5, eta 6) is -1");
    compound_file(b, "events", true, 1024);
    UNIT_FAILS(load_fails(b), "dataset events.et: event 2 region 76 (phi 5, eta 6) is 1024");
    unlink(a);
    unlink(b);
}

static void test_no_layout(void) {
    const char *path = unit_scratch("odd");
    UNIT_OK(cb_file_write(path, ""));
    UNIT_FAILS(load_fails(path), "the file is empty");
    UNIT_OK(cb_file_write(path, "\x1f\x8b..."));
    UNIT_FAILS(load_fails(path), "gunzip it first");
    UNIT_OK(cb_file_write(path, "abc\x01"));
    UNIT_FAILS(load_fails(path), "neither HDF5 nor text (byte 3)");
    UNIT_OK(cb_file_write(path, "hello\n"));
    UNIT_FAILS(load_fails(path), "odd:1: region 0: 'hello' is not a whole number");
    UNIT_FAILS(load_fails("build/no/such"), "such: cannot open");
    UNIT_FAILS(load_fails("data/published/scores.h5"), "no images: neither et");
    UNIT_FAILS(load_fails("build"), "cannot read");
    cb_h5 *f = cb_h5_create(path, "x/1", "test", "");
    UNIT_OK(cb_h5_write(f, "et", CB_U16, 2, (uint64_t[]){2, 3}, (uint16_t[6]){0}));
    UNIT_OK(cb_h5_commit(&f));
    UNIT_FAILS(load_fails(path), "dataset et has shape (2,3); (N,18,14), another (N,H,W), or (N,252) wanted");
    f = cb_h5_create(path, "x/1", "test", "");
    UNIT_OK(cb_h5_write_strings(f, "et", 2, (const char *[]){"a", "b"}));
    UNIT_OK(cb_h5_commit(&f));
    UNIT_FAILS(load_fails(path), "dataset et does not hold numbers");
    f = cb_h5_create(path, "x/1", "test", "");
    UNIT_OK(cb_h5_write(f, "et", CB_U16, 3, (uint64_t[]){0, 18, 14}, NULL));
    UNIT_OK(cb_h5_commit(&f));
    UNIT_FAILS(load_fails(path), "no events");
    unlink(path);
}

/* One damaged byte at a time: an error or other images, never a crash. */
static void damage(const char *from, int steps) {
    const char *path = unit_scratch("damaged");
    size_t size;
    char *bytes = cb_file_read(from, &size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    int refused = 0;
    for (size_t at = 0; at < size; at += 1 + size / (size_t)steps) {
        bytes[at] ^= 0x55;
        FILE *out = fopen(path, "wb");
        CU_ASSERT_FATAL(out && fwrite(bytes, 1, size, out) == size && !fclose(out));
        refused += load_fails(path) != 0;
        bytes[at] ^= 0x55;
    }
    CU_ASSERT(refused > steps / 4);
    free(bytes);
    unlink(path);
}

static void test_damaged(void) {
    damage("data/firmware/inputs_events256.h5", 200);
    damage("data/firmware/testvectors_in.txt", 200);
    const char *path = unit_scratch("damage.h5");
    compound_file(path, "CaloRegions", true, 3);
    cb_images m;
    UNIT_OK(cb_images_load(&m, path));
    cb_images_free(&m);
    unlink(path);
}

static void test_into_dataset(void) {
    cb_dataset d;
    UNIT_OK(cb_images_read(&d, "data/firmware/inputs_random4096.h5"));
    CU_ASSERT(d.n == 4096 && d.height == 18 && d.width == 14 && d.et && !d.bits && !d.split);
    CU_ASSERT(d.et && d.et[0] == 0 && d.et[252] == 1023);
    cb_dataset_free(&d);
}

UNIT_MAIN("layouts", {"recorded trigger-card events", test_card_recorded},
          {"a trigger-card event by hand", test_card_by_hand},
          {"trigger-card text there and back", test_card_round_trip}, {"bad trigger-card text", test_card_bad},
          {"CSV", test_csv}, {"CaloRegions", test_regions}, {"bad open data", test_opendata_bad},
          {"open data there and back", test_opendata_round_trip}, {"compound", test_compound},
          {"files without images", test_no_layout}, {"damaged bytes", test_damaged}, {"into a dataset", test_into_dataset})
