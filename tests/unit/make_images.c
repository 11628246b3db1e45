/* make_images N HEIGHT WIDTH FILE: images of any shape in the open-data layout, for tests/system/shapes.sh. Soft noise everywhere, and
 * in every third image a few hot cells. */
#include "base/rng.h"
#include "data/layouts.h"
#include "unit.h"

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    uint64_t n = strtoull(argv[1], NULL, 10);
    cb_images m = {.n = n, .height = atoi(argv[2]), .width = atoi(argv[3])};
    uint32_t cells = (uint32_t)(m.height * m.width);
    m.et = cb_alloc(n * cells, sizeof *m.et);
    if (!m.et) return 1;
    for (uint64_t e = 0; e < n; e++) {
        cb_rng r = cb_rng_at(1, "make-images", e);
        for (uint32_t c = 0; c < cells; c++) m.et[e * cells + c] = (uint16_t)cb_rng_poisson(&r, 0.5);
        for (int k = 0; k < 4 && e % 3 == 0; k++) m.et[e * cells + cb_rng_below(&r, cells)] = (uint16_t)(20 + cb_rng_below(&r, 400));
    }
    int rc = cb_images_save_opendata(&m, argv[4], "make-images", "", NULL);
    if (rc) fprintf(stderr, "%s\n", cb_error());
    cb_images_free(&m);
    return rc ? 1 : 0;
}
