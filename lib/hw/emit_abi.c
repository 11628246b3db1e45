/* The emulator as a library: emulator/cicada_emulator.h, abi.c, emulator.map, check.c.
 *
 * The interface is the same for every student, so that a program compiled once takes
 * any of them: no structures, names with the version of the interface, an ELF version and a SONAME
 * (the folder's Makefile, emit_folder.c). What is printed here is frozen as version 1: an
 * incompatible change adds names with v2 and leaves these. */
#include <stdlib.h>

#include "hw/emit_common.h"

static const char *const interface =
    "/* cicada_emulator.h - interface 1 to the emulator of a student, the same for all students.\n"
    " *\n"
    " * A program compiled with this header works with the library of any student, now and later:\n"
    " * functions are added, never changed; an incompatible interface gets names with v2.\n"
    " * Link with -l<student>_emulator (SONAME lib<student>_emulator.so.1), or dlopen() the library and\n"
    " * look the names up. Two students in one program: dlopen() both, each with RTLD_LOCAL.\n"
    " * No state: every function may be called from several threads. C99 and C++. */\n"
    "#ifndef CICADA_EMULATOR_H\n#define CICADA_EMULATOR_H\n\n"
    "#include <stddef.h>\n#include <stdint.h>\n\n"
    "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
    "#define CICADA_EMULATOR_ABI 1\n\n"
    "/* The newest interface that the library has: at least CICADA_EMULATOR_ABI, or it is too old. */\n"
    "uint32_t cicada_emulator_abi(void);\n\n"
    "/* The student's name; valid as long as the library is loaded. */\n"
    "const char *cicada_emulator_v1_name(void);\n"
    "/* Shape of an event: rows (phi) of columns (eta) of region E_T, row-major, unsigned\n"
    " * counts of 0.5 GeV with so many bits. */\n"
    "uint32_t cicada_emulator_v1_rows(void);\n"
    "uint32_t cicada_emulator_v1_columns(void);\n"
    "uint32_t cicada_emulator_v1_input_bits(void);\n"
    "/* The score code: unsigned with so many bits; score = code / 2^fraction_bits. */\n"
    "uint32_t cicada_emulator_v1_score_bits(void);\n"
    "uint32_t cicada_emulator_v1_score_fraction_bits(void);\n\n"
    "/* One event: et[rows * columns] -> *code. 0, or -1 (and *code stays) if a count needs more\n"
    " * than input_bits bits. */\n"
    "int32_t cicada_emulator_v1_score(const uint16_t *et, uint16_t *code);\n"
    "/* n events, et[n][rows * columns] -> code[n]. Gives how many were scored: n, or the number of\n"
    " * the first event with a count that needs more than input_bits bits. */\n"
    "size_t cicada_emulator_v1_score_many(const uint16_t *et, size_t n, uint16_t *code);\n\n"
    "#ifdef __cplusplus\n}\n#endif\n\n#endif\n";

static int write_abi(const cb_emit *e, const char *name, const char *dir) {
    cb_text t = {0};
    cb_text_add(&t,
                "/* Interface 1 of cicada_emulator.h for %s. */\n"
                "#include \"cicada_emulator.h\"\n\n#include \"emulator.h\"\n\n"
                "enum { ROWS = %d, COLUMNS = %d, INPUTS = ROWS * COLUMNS, INPUT_BITS = %d };\n\n"
                "uint32_t cicada_emulator_abi(void) { return CICADA_EMULATOR_ABI; }\n"
                "const char *cicada_emulator_v1_name(void) { return \"%s\"; }\n"
                "uint32_t cicada_emulator_v1_rows(void) { return ROWS; }\n"
                "uint32_t cicada_emulator_v1_columns(void) { return COLUMNS; }\n"
                "uint32_t cicada_emulator_v1_input_bits(void) { return INPUT_BITS; }\n"
                "uint32_t cicada_emulator_v1_score_bits(void) { return %d; }\n"
                "uint32_t cicada_emulator_v1_score_fraction_bits(void) { return %d; }\n\n",
                name, e->programme->input_h, e->programme->input_w, e->net->input_bits, e->net->name, CB_SCORE_BITS, CB_SCORE_FRAC);
    cb_text_add(&t,
                "/* All counts at once: their union has a high bit where one of them has. */\n"
                "static int fits(const uint16_t *et) {\n"
                "    unsigned all = 0;\n"
                "    for (int i = 0; i < INPUTS; i++) all |= et[i];\n"
                "    return all >> INPUT_BITS == 0;\n"
                "}\n\n"
                "int32_t cicada_emulator_v1_score(const uint16_t *et, uint16_t *code) {\n"
                "    return cicada_emulator_v1_score_many(et, 1, code) == 1 ? 0 : -1;\n"
                "}\n\n"
                "size_t cicada_emulator_v1_score_many(const uint16_t *et, size_t n, uint16_t *code) {\n"
                "    for (size_t e = 0; e < n; e++, et += INPUTS) {\n"
                "        if (!fits(et)) return e;\n"
                "        %s_score(et, 1, code + e);\n"
                "    }\n"
                "    return n;\n}\n",
                name);
    return cb_text_write(&t, dir, "abi.c");
}

static int write_map(const char *name, const char *dir) {
    cb_text t = {0};
    cb_text_add(&t,
                "CICADA_EMULATOR_1 {\n  global:\n    cicada_emulator_abi;\n    cicada_emulator_v1_*;\n    %s_score;\n"
                "  local:\n    *;\n};\n",
                name);
    return cb_text_write(&t, dir, "emulator.map");
}

static const char *const check =
    "/* check EVENTS SCORES: scores the events of the library it is linked with and compares. Both are text:\n"
    " * the counts of an event, blank separated; one score an event. Exit status 1 on a mismatch. */\n"
    "#include <stdio.h>\n#include <stdlib.h>\n\n#include \"cicada_emulator.h\"\n\n"
    "/* The next event; 1, 0 at the end, -1 if the file stops within an event or holds something else. */\n"
    "static int read_event(FILE *f, uint16_t *et, uint32_t n) {\n"
    "    for (uint32_t i = 0; i < n; i++) {\n"
    "        unsigned count;\n"
    "        int got = fscanf(f, \"%u\", &count);\n"
    "        if (got != 1 || count > 65535) return got == EOF && i == 0 ? 0 : -1;\n"
    "        et[i] = (uint16_t)count;\n"
    "    }\n"
    "    return 1;\n"
    "}\n\n"
    "static int fail(const char *what) {\n"
    "    fprintf(stderr, \"check: %s\\n\", what);\n"
    "    return 2;\n"
    "}\n\n"
    "/* A count of one bit too many is refused, alone and in a batch, and writes nothing. */\n"
    "static int refuses(uint16_t *et) {\n"
    "    uint16_t code = 12345;\n"
    "    if (cicada_emulator_v1_input_bits() > 15) return 1;\n"
    "    et[0] = (uint16_t)(1u << cicada_emulator_v1_input_bits());\n"
    "    return cicada_emulator_v1_score(et, &code) == -1 && cicada_emulator_v1_score_many(et, 1, &code) == 0 && code == 12345;\n"
    "}\n\n"
    "int main(int argc, char **argv) {\n"
    "    if (argc != 3) return fail(\"two files wanted: EVENTS SCORES\");\n"
    "    if (cicada_emulator_abi() < CICADA_EMULATOR_ABI) return fail(\"the library is older than this program\");\n"
    "    FILE *events = fopen(argv[1], \"r\"), *scores = fopen(argv[2], \"r\");\n"
    "    if (!events || !scores) return fail(\"a file cannot be opened\");\n"
    "    uint32_t n = cicada_emulator_v1_rows() * cicada_emulator_v1_columns();\n"
    "    double scale = 1u << cicada_emulator_v1_score_fraction_bits(), want;\n"
    "    uint16_t *et = malloc(2 * (size_t)n), code;\n"
    "    long checked = 0, bad = 0, got = et ? 1 : -1;\n"
    "    for (; got == 1 && (got = read_event(events, et, n)) == 1; checked++) {\n"
    "        if (fscanf(scores, \"%lf\", &want) != 1) return fail(\"fewer scores than events\");\n"
    "        if (cicada_emulator_v1_score(et, &code)) return fail(\"a count is too large\");\n"
    "        if (code / scale != want && !bad++)\n"
    "            printf(\"first mismatch: event %ld expected %u got %u\\n\", checked, (unsigned)(want * scale), (unsigned)code);\n"
    "    }\n"
    "    if (got < 0 || !checked) return fail(\"no events, or half an event at the end\");\n"
    "    if (!refuses(et)) return fail(\"a count that does not fit was not refused\");\n"
    "    printf(\"%s: %ld mismatches of %ld\\n\", cicada_emulator_v1_name(), bad, checked);\n"
    "    free(et);\n"
    "    return fclose(events) || fclose(scores) || bad != 0;\n"
    "}\n";

int cb_emit_abi(const cb_emit *e, const char *dir) {
    char name[64];
    cb_emit_identifier(e->net->name, name);
    return write_abi(e, name, dir) || write_map(name, dir) || cb_emit_text(dir, "cicada_emulator.h", interface) ||
                   cb_emit_text(dir, "check.c", check)
               ? -1
               : 0;
}
