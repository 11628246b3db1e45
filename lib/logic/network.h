/* network.h - the shape of a logic gate network: layers of nodes and how they are wired.
 *
 * Every layer reads only the outputs of the layer before (the first: the input bits).
 * A layer has n_set parameter sets, each used at n_pos positions (a dense layer: one position),
 * and n_out = n_set * n_pos outputs, output = set * n_pos + position. wire[out*rank + j] is the index of
 * input j in the layer before; the index `inputs of the layer` stands for the constant 0 (padding).
 *
 * A convolution (torchlogix LogicConv2d, LogicConv3d) is one such layer a level of its
 * trees: K kernels own one tree each; a leaf gate reads `rank` chosen offsets (h, w, d, channel) of the
 * receptive field; level l, node j combines nodes rank*j .. rank*j+rank-1 of level l-1; all positions
 * share the parameters. Set index of level l: node * K + kernel, as torchlogix stores them, so the last
 * level's outputs are in the order kernel, row, column(, depth).
 * Pooling (rank = window) has no parameters: the largest input, OR on bits.
 *
 * An image tensor has C channels of H x W x D (D = 1 but for conv3d), index ((c*H + h)*W + w)*D + d. The
 * thermometer code of a calorimeter image is C = thresholds, H = phi, W = eta.
 */
#ifndef CB_LOGIC_NETWORK_H
#define CB_LOGIC_NETWORK_H

#include "base/error.h"
#include "logic/head.h"
#include "logic/node.h"
#include "quant/circuit.h"

enum { CB_LOGIC_LAYERS = 24 };

typedef struct {
    bool pool, tree;    /* tree: a level of a convolution */
    cb_logic_kind kind;
    int rank, n_in, n_set, n_pos, n_out;
    int n_par;          /* parameters of a set; 0 for pooling */
    size_t first;       /* index of the layer's first parameter: set s has first + s*n_par ... */
    int32_t *wire;      /* [n_out][rank] */
    int n_choice;       /* learnable wires (choice.h): candidates of every input; 0: wires are fixed */
    int32_t *choice;    /* [n_out][rank][n_choice] */
    size_t first_choice; /* index of the first of their weights */
} cb_logic_layer;

typedef struct {
    int c, h, w, d;
} cb_logic_image;

typedef struct {
    int n_input, n_layer;
    cb_logic_image image; /* of the last layer (dense: n x 1 x 1 x 1) */
    size_t n_weight, n_choice; /* parameters of nodes; weights of candidate wires */
    cb_logic_head head;   /* one weighted sum unless changed after the layers are there */
    cb_logic_layer layer[CB_LOGIC_LAYERS];
} cb_logic_net;

void cb_logic_net_new(cb_logic_net *n, cb_logic_image input);
void cb_logic_net_free(cb_logic_net *n);
/* Outputs of the last layer (the inputs if there is none). */
int cb_logic_outputs(const cb_logic_net *n);
/* Parameters of the head. */
size_t cb_logic_head_parameters(const cb_logic_net *n);

/* Appends a layer of n_out nodes; its wires are to be filled (wiring.h). */
cb_logic_layer *cb_logic_dense(cb_logic_net *n, cb_logic_kind kind, int rank, int n_out) CB_MUST;
/* The same with parameter sets that are used at n_pos positions each, in any pattern of wires. */
cb_logic_layer *cb_logic_shared(cb_logic_net *n, cb_logic_kind kind, int rank, int n_set, int n_pos) CB_MUST;

/* Gives every input of the last layer (a dense one) n_choice >= 2 candidates, to be filled; `wire` is then the present choice. */
int cb_logic_choices(cb_logic_net *n, int n_choice) CB_MUST;

typedef struct {
    cb_logic_kind kind;
    int rank, kernels, levels;
    int field[3], stride[3], padding; /* h, w, d; padding in h and w (and d if D > 1) */
} cb_logic_conv;

/* Leaf gates of a kernel: rank^(levels-1). */
int cb_logic_leaves(const cb_logic_conv *c);
/* Appends the layers of a convolution. leaf[rank][kernels][leaves][4]: offsets h, w, d, channel. */
int cb_logic_conv_add(cb_logic_net *n, const cb_logic_conv *c, const int32_t *leaf) CB_MUST;
/* Appends pooling over windows of size x size with that stride, without padding. */
int cb_logic_pool_add(cb_logic_net *n, int size, int stride) CB_MUST;

/* The hardened network: a gate for every node at every position (pooling: trees of OR), outputs those of
 * the last layer; not simplified. */
int cb_logic_harden(const cb_logic_net *n, const float *w, cb_circuit *c) CB_MUST;
/* The same from double weights (reference). */
int cb_logic_harden_f64(const cb_logic_net *n, const double *w, cb_circuit *c) CB_MUST;

#endif
