#include "student_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "quant/ebops.h"

enum { CHUNK = CB_CHECK_EVENTS };

static void random_image(uint16_t *image, int n, uint64_t seed, uint64_t index) {
    cb_rng r = cb_rng_at(seed, "student-check", index);
    uint32_t level = cb_rng_below(&r, CB_ET_MAX + 1);
    for (int e = 0; e < n; e++) {
        uint32_t a = cb_rng_below(&r, CB_ET_MAX + 1), b = cb_rng_below(&r, CB_ET_MAX + 1), c = cb_rng_below(&r, CB_ET_MAX + 1);
        switch (index % 4) {
        case 0: image[e] = (uint16_t)a; break;
        case 1: image[e] = (uint16_t)((uint64_t)a * b * c >> 20); break;
        case 2: image[e] = (uint16_t)(a * 32 < level ? CB_ET_MAX : b < 100 ? c & 3 : 0); break;
        default: image[e] = (uint16_t)level; break;
        }
    }
}

/* The events of a split, then n_image random images. */
typedef struct {
    const cb_student_set *set;
    int split;
    uint64_t n_image, seed;
} source;

static void row_of(const source *from, uint64_t e, uint16_t *row) {
    uint64_t n = from->set->n[from->split];
    const uint16_t *at = e < n ? cb_rows_at(from->set->image[from->split], e, row) : row;
    if (at != row) memcpy(row, at, (size_t)from->set->n_feature * sizeof *row);
    if (e >= n) random_image(row, from->set->n_feature, from->seed, e - n);
}

static int check(const cb_programme *p, const source *from, cb_code_fn *score, void *context, int64_t *checked, int64_t *mismatches) {
    size_t pixels = (size_t)from->set->n_feature;
    uint16_t *et = cb_alloc(CHUNK * pixels, sizeof *et), *code = cb_alloc(2 * CHUNK, sizeof *code);
    uint64_t total = from->set->n[from->split] + from->n_image;
    int rc = et && code ? 0 : -1;
    *checked = *mismatches = 0;
    for (uint64_t first = 0; first < total && !rc; first += CHUNK) {
        uint32_t n = total - first < CHUNK ? (uint32_t)(total - first) : CHUNK;
        for (uint32_t e = 0; e < n; e++) row_of(from, first + e, et + e * pixels);
        rc = cb_student_set_check(from->set) || score(context, et, n, code) || cb_programme_score(p, et, n, code + CHUNK) ? -1 : 0;
        for (uint32_t e = 0; !rc && e < n; e++) *mismatches += code[e] != code[CHUNK + e];
        *checked += n;
    }
    free(et);
    free(code);
    return rc;
}

int cb_student_check(const cb_programme *p, const cb_student_set *set, uint64_t seed, cb_code_fn *score, void *context,
                     int64_t *checked, int64_t *mismatches) {
    return check(p, &(source){set, CB_VAL, CB_CHECK_IMAGES, seed}, score, context, checked, mismatches);
}

int cb_student_check_split(const cb_programme *p, const cb_student_set *set, int split, cb_code_fn *score, void *context,
                           int64_t *checked, int64_t *mismatches) {
    return check(p, &(source){set, split, 0, 0}, score, context, checked, mismatches);
}

int cb_student_verdict(const cb_programme *p, int64_t checked, int64_t mismatches) {
    if (mismatches)
        return cb_fail("student '%s': the integer programme differs from the trained student on %lld of %lld events", p->name,
                       (long long)mismatches, (long long)checked);
    cb_info("%s: %lld weights, %.0f EBOPs, programme equals trainer on %lld events", p->name, (long long)p->parameters,
            p->ebops, (long long)checked);
    return 0;
}

int cb_student_write(const cb_programme *p, int64_t checked, int64_t mismatches, cb_h5 *f) {
    return cb_student_write_at(p, checked, mismatches, f, "/");
}

int cb_student_write_at(const cb_programme *p, int64_t checked, int64_t mismatches, cb_h5 *f, const char *root) {
    return cb_programme_write_at(p, f, root) || cb_h5_set_i64(f, root, "checked", checked) ||
                   cb_h5_set_i64(f, root, "mismatches", mismatches) ||
                   cb_h5_set_f64(f, root, "ebops_exact", cb_programme_ebops_exact(p))
               ? -1
               : 0;
}
