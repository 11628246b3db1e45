/* autoencoder.h - a network that reproduces its input: loss, step, error of every event.
 *
 * Event error: d = output - input in float32; d*d summed in float64 over the cells ascending, divided by
 * the number of cells, rounded to float32 once. Loss of a batch: mean of the event errors (float64, events ascending)
 * = mean over B*H*W (Keras' mse); its gradient (output - input) * float(2/(B*H*W)).
 * A batch is cut into CB_SHARDS shards of blocks (lanes.h), worked on in parallel; their gradients
 * are added in shard order, so results do not depend on the number of threads.
 */
#ifndef CB_NN_AUTOENCODER_H
#define CB_NN_AUTOENCODER_H

#include "nn/network.h"

/* Optimiser state and buffers of a training run. */
typedef struct cb_fit cb_fit;

/* batch: most events a step. The network stays the caller's and is updated by the steps. */
cb_fit *cb_fit_new(cb_network *net, size_t batch, double learning_rate) CB_MUST;
void cb_fit_free(cb_fit *fit);

/* One Adam step on n events (rows of et, [n_feature] each). *loss is that before the update.
 * Not-a-number or infinity in loss or gradient: -1, the text names layer and event (the number
 * in `event`). */
int cb_fit_step(cb_fit *fit, const uint16_t *et, const uint32_t *event, size_t n, double *loss) CB_MUST;
/* What messages call the events of the next steps: number[k] for event[k] (borrowed; NULL: event[k]). */
void cb_fit_numbers(cb_fit *fit, const uint32_t *number);
/* Gradient of the last step, [n_weight]. */
const float *cb_fit_gradient(const cb_fit *fit);

/* Counts from now on where the CPU time of the steps goes; log: a line a layer, behind it loading,
 * loss, the sum over the shards and Adam. */
int cb_fit_profile(cb_fit *fit) CB_MUST;
void cb_fit_profile_log(const cb_fit *fit);

/* Adam's state, for checkpoints: steps done, m and v of [n_weight]. */
uint64_t *cb_fit_steps(cb_fit *fit);
float *cb_fit_m(cb_fit *fit);
float *cb_fit_v(cb_fit *fit);

/* mse[k] = error of event[k] (event NULL: events 0..n-1). Fails on NaN or infinity, naming layer
 * and event. `what` names the loop in the progress line, NULL: none. */
int cb_autoencoder_mse(const cb_network *net, const uint16_t *et, const uint32_t *event, size_t n, const char *what,
                       float *mse) CB_MUST;

/* The same for n events that are read in portions: get fills et[n][n_input] with events first .. first+n-1.
 * Ranks share the work; the other functions here work on what they are given. */
typedef int cb_images_fn(void *context, uint64_t first, uint64_t n, uint16_t *et);
int cb_autoencoder_mse_each(const cb_network *net, cb_images_fn *get, void *context, size_t n, const char *what,
                            float *mse) CB_MUST;

#endif
