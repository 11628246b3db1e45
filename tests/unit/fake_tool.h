/* fake_tool.h - shell scripts that stand in for a tool, first on PATH. */
#ifndef CB_FAKE_TOOL_H
#define CB_FAKE_TOOL_H

#include <sys/stat.h>

#include "unit.h"

static inline void write_text(const char *path, const char *text) { UNIT_OK(cb_file_write(path, text)); }

/* The adders that the students' Verilog is made of, for small designs. */
#define ADDER_MODULES                                                                                                          \
    "module addm #(parameter W=8) (input [W-1:0] a, input [W-1:0] b, output [W-1:0] y); assign y = a + b; endmodule\n"        \
    "module subm #(parameter W=8) (input [W-1:0] a, input [W-1:0] b, output [W-1:0] y); assign y = a - b; endmodule\n"

/* A folder for a tool to work in, and the design in a file beside it; the names outlive the rotation of unit_scratch. */
static inline void tool_folder(const char *name, const char *design, char dir[512], char verilog[600]) {
    snprintf(dir, 512, "%s", unit_scratch(name));
    UNIT_OK(cb_mkdirs(dir));
    snprintf(verilog, 600, "%s.v", dir);
    write_text(verilog, design);
}

/* A script of this name in folder `bin`; it answers every way of asking for a version. */
static inline void fake_tool(const char *bin, const char *tool, const char *script) {
    char path[700];
    snprintf(path, sizeof path, "%s/%s", bin, tool);
    char *text = cb_textf("#!/bin/sh\n[ \"$1\" = -V ] && { echo 'Yosys 9.9 (fake)'; exit; }\n"
                          "[ \"$1\" = -version ] && { echo 'Vivado v2099.1 (64-bit)'; exit; }\n"
                          "[ \"$1\" = --version ] && { echo '\"x\" -- Place and Route (Version nextpnr-7.8.9)'; exit; }\n%s\n", script);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    UNIT_OK(cb_file_write(path, text));
    chmod(path, 0755);
    free(text);
}

/* Puts a folder first on PATH; the former PATH, to be set again and freed. */
static inline char *fake_path(const char *first) {
    char *old = cb_strdup(getenv("PATH")), *real = realpath(first, NULL);
    char *path = cb_textf("%s:%s", real ? real : first, old ? old : "");
    setenv("PATH", path, 1);
    free(path);
    free(real);
    return old;
}

#endif
