/* check_events.h - the events on which every representation is compared.
 *
 * First the directed ones: all 0, all 1023, every region alone at 1023, and events chosen for
 * what they do in the graph: each quantizer should meet a tie above an even and above an odd
 * value (half-to-even), saturation, and a negative operand (ReLU), as far as a search among
 * random images of several kinds finds them. Then all recorded events (recorded.h). Then events of the dataset, evenly
 * spaced, and random images, three to one, so that a prefix has of everything.
 */
#ifndef CB_HW_CHECK_EVENTS_H
#define CB_HW_CHECK_EVENTS_H

#include "data/dataset.h"
#include "hw/netlist.h"
#include "hw/recorded.h"

typedef struct {
    size_t n, n_directed, n_recorded, n_data, n_random;
    uint16_t *et;                 /* [n][n_input] */
    uint64_t conditions, covered; /* of the quantizers, see above; covered by the directed events */
} cb_check_events;

/* data may be NULL; its images must have g->n_input regions. recorded: NULL or events of as many regions, all of which
 * must fit into the first `prefix` events behind the directed ones. seed: of the random images. */
int cb_check_events_make(cb_check_events *c, const cb_netlist *g, const cb_dataset *data, const cb_recorded *recorded, size_t n,
                         size_t prefix, uint64_t seed) CB_MUST;
void cb_check_events_free(cb_check_events *c);

#endif
