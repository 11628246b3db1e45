/* firmware_import.h - published CICADA weights -> integer programme.
 *
 * Two architectures with the fixed-point types of the deployed firmware
 * (cms-hls4ml/CICADA, defines.h of v1p1p2, v2p1p2 and v2p2p0; types restated here):
 *
 *   v1  18x14 image -> dense1 252->16 -> relu -> dense2 16->1 -> relu
 *   v2  18x14 image -> conv 2x2 stride 2, 4 filters -> relu -> dense1 252->16 -> relu -> dense2 16->1 -> relu
 *
 *   conv    w ap_fixed<12,4>, sums ap_fixed<30,22>                    -> ap_ufixed<10,6,RND_CONV,SAT>
 *   dense1  w ap_fixed<8,2>, b ap_fixed<8,4>, sums ap_fixed<26,20> (v1),
 *           ap_fixed<26,14> (v2)                                      -> ap_ufixed<10,6,RND_CONV,SAT>
 *   dense2  w ap_fixed<12,4>, sums ap_fixed<26,14>                    -> ap_ufixed<16,8,RND_CONV,SAT>
 *
 * Two forms of input:
 *   folder  w<k>.txt and b<k>.txt: numbers separated by commas or blanks; k is the
 *           layer number of that version. Layers are found by ascending k and by the
 *           numbers of weights and biases, so that files left over from another
 *           architecture do not disturb; an ambiguous folder is an error. Conv weights
 *           are filter-major, w[f*4 + 2*dy+dx]; dense weights are w[in*n_out + out].
 *   FILE.json  integers: dense1_kernel_q6_row_major_in_out, dense1_bias_q4,
 *           dense2_kernel_q8, conv_kernel_q8_tap_filter (tap-major).
 * Every number must be an exact multiple of its type's step and within its range;
 * the biases of conv and dense2, which the architecture does not have, must be 0.
 */
#ifndef CB_QUANT_FIRMWARE_IMPORT_H
#define CB_QUANT_FIRMWARE_IMPORT_H

#include "quant/programme.h"

enum { CB_FIRMWARE_FILES = 6 };

/* What was read, for the artifact's record of inputs. */
typedef struct {
    int n;
    char *path[CB_FIRMWARE_FILES];
    char role[CB_FIRMWARE_FILES][32]; /* "w3.txt" */
} cb_firmware_files;

/* arch "v1" or "v2". p: finished programme, family "firmware", to be freed by the
 * caller; files may be NULL. */
int cb_firmware_import(cb_programme *p, const char *arch, const char *name, const char *in,
                       cb_firmware_files *files) CB_MUST;
void cb_firmware_files_free(cb_firmware_files *files);

#endif
