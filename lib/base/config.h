/* config.h - configuration files: INI (inih) checked against one schema.
 *
 * Every key that exists stands in cb_config_schema (config_schema.c) with its
 * type, default, range and meaning; a file or --set that names another key, a
 * value of the wrong type or out of range is an error with file and line.
 * Values keep the text form too, so that the canonical text of a section is the
 * same whatever way a value was given.
 */
#ifndef CB_BASE_CONFIG_H
#define CB_BASE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef enum { CB_KEY_INT, CB_KEY_REAL, CB_KEY_BOOL, CB_KEY_TEXT, CB_KEY_CHOICE, CB_KEY_REALS } cb_key_type;

typedef struct {
    const char *section, *key;
    cb_key_type type;
    const char *value;   /* default, as text */
    double lo, hi;       /* range of INT and REAL, and of each of REALS */
    const char *choices; /* CHOICE: words separated by one space */
    const char *help;    /* unit and meaning, one line */
} cb_config_key;

extern const cb_config_key cb_config_schema[]; /* ends with section == NULL */

typedef struct cb_config cb_config;

/* All defaults. */
cb_config *cb_config_new(void) CB_MUST;
/* Reads an INI file over what is there. */
int cb_config_read(cb_config *c, const char *path) CB_MUST;
/* The same from a text, such as an artifact's canonical one; `name` stands in errors where a file's path would. */
int cb_config_read_text(cb_config *c, const char *text, const char *name) CB_MUST;
/* One override "section.key=value". */
int cb_config_set(cb_config *c, const char *assignment) CB_MUST;
void cb_config_free(cb_config *c);

/* Typed access. The key must be in the schema with that type (asserted). */
int64_t cb_config_int(const cb_config *c, const char *section, const char *key);
double cb_config_real(const cb_config *c, const char *section, const char *key);
bool cb_config_bool(const cb_config *c, const char *section, const char *key);
/* TEXT, CHOICE, or any key's text. Owned by c. */
const char *cb_config_text(const cb_config *c, const char *section, const char *key);
/* CHOICE: the index of the value among the words of the schema. */
int cb_config_choice(const cb_config *c, const char *section, const char *key);
/* REALS: numbers separated by spaces; at most max are stored; returns the count. */
int cb_config_reals(const cb_config *c, const char *section, const char *key, double *v, int max);

/* "[a]\nkey = value\n..." of the named sections (space separated), in schema
 * order, every key. To be freed by the caller. This is what artifacts record. */
char *cb_config_canonical(const cb_config *c, const char *sections) CB_MUST;

#endif
