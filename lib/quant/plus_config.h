/* plus_config.h - an hgq+ student as sections [student], [plus] and [hgq] calibrate describe it (base/config_schema.c).
 *
 * The lists must have been checked: one to CB_PLUS_VIEWS views, as many view_bits, two numbers for the pool, at most
 * CB_PLUS_DENSE - 1 units.
 */
#ifndef CB_QUANT_PLUS_CONFIG_H
#define CB_QUANT_PLUS_CONFIG_H

#include "base/config.h"
#include "quant/plus_calibrate.h"

/* For images of height x width regions. */
cb_plus_design cb_plus_config_design(const cb_config *c, int height, int width);
cb_plus_start cb_plus_config_start(const cb_config *c);

#endif
