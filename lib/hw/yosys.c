#define _XOPEN_SOURCE 700 /* realpath */
#include "hw/yosys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "hw/process.h"

static const char script_name[] = "yosys.ys", stat_name[] = "yosys_stat.json", net_name[] = "yosys_net.json";

char *cb_yosys_script(const char *verilog, const char *top, const char *family) {
    return cb_textf("# yosys -s %s, in the folder of %s\n"
                    "# ternary adders name cells of the family: LUT6_2, CARRY4\n"
                    "read_verilog -lib +/xilinx/cells_sim.v\n"
                    "read_verilog -DCB_XC7 %s\n"
                    "hierarchy -check -top %s\n"
                    "proc\n"
                    "# one carry chain per adder module, before anything is merged\n"
                    "alumacc\n"
                    "flatten\n"
                    "synth_xilinx -top %s -family %s -noiopad\n"
                    "tee -q -o %s stat -json\n"
                    "# the mapped cells alone, without names and attributes: a tenth of the size\n"
                    "cd %s\n"
                    "opt_clean -purge\n"
                    "setattr -unset src t:* w:*\n"
                    "setattr -unset module_not_derived t:*\n"
                    "select c:* x:* %%u\n"
                    "json -o %s\n",
                    script_name, verilog, verilog, top, top, family, stat_name, top, net_name);
}

static json_t *cell_detail(const cb_site_count *c) {
    const cb_cell_count *n = &c->cells;
    const struct { const char *name; int64_t count; } cell[] = {
        {"LUT1", n->lut[1]}, {"LUT2", n->lut[2]}, {"LUT3", n->lut[3]}, {"LUT4", n->lut[4]}, {"LUT5", n->lut[5]},
        {"LUT6", n->lut[6]}, {"LUT6_2", n->lut62}, {"INV", n->inv}, {"MUXF", n->muxf}, {"SRL16", n->srl16}, {"SRL32", n->srl32},
        {"LUTRAM", n->lutram}, {"carry_sites", c->carry_lut}, {"route_through_sites", c->route_through},
        {"lut_pairs", c->pairs}};
    json_t *j = json_object(), *cells = json_object();
    int bad = !j || !cells || json_object_set_new(j, "cells", cells);
    for (size_t i = 0; !bad && i < sizeof cell / sizeof *cell; i++)
        bad = json_object_set_new(cells, cell[i].name, json_integer(cell[i].count));
    if (!bad) return j;
    json_decref(j);
    return NULL;
}

static int add_rows(cb_synth_report *r, const cb_site_count *c, const char *version, const cb_yosys_job *job) {
    const struct { const char *rule; int64_t lut; } rules[] = {
        {"raw-cells", cb_cells_raw_lut(&c->cells)}, {"packed", c->packed}, {"packed-lower", c->packed_lower}};
    for (int i = 0; i < 3; i++) {
        cb_synth_row *row = cb_synth_row_add(r, "yosys-synth", "yosys", rules[i].rule);
        if (!row) return -1;
        snprintf(row->version, sizeof row->version, "%s", version);
        row->lut = (double)rules[i].lut;
        row->ff = (double)c->cells.ff;
        row->dsp = (double)c->cells.dsp;
        row->bram = (double)c->cells.ram36 + 0.5 * (double)c->cells.ram18;
        row->carry = (double)c->cells.carry4;
        row->cycles = job->cycles;
        row->ii = job->ii;
        if (!(row->detail = cell_detail(c))) return cb_fail("out of memory");
    }
    return 0;
}

/* stat and netlist are two views of one design and must agree. */
static int same_cells(const cb_cell_count *a, const cb_cell_count *b) {
    if (cb_cells_raw_lut(a) == cb_cells_raw_lut(b) && a->carry4 == b->carry4 && a->ff == b->ff && a->dsp == b->dsp)
        return 0;
    return cb_fail("stat counts %lld LUT and INV, %lld carry blocks, %lld flip-flops; the netlist has %lld, %lld, %lld",
                   (long long)cb_cells_raw_lut(a), (long long)a->carry4, (long long)a->ff,
                   (long long)cb_cells_raw_lut(b), (long long)b->carry4, (long long)b->ff);
}

int cb_verilog_link(const char *verilog, const char *link) {
    char *real = realpath(verilog, NULL);
    if (!real) return cb_fail("%s: %s", verilog, strerror(errno));
    unlink(link);
    int rc = symlink(real, link) ? cb_fail("%s: %s", link, strerror(errno)) : 0;
    free(real);
    return rc;
}

/* Runs the tool and reads its files; the failure's sentence is in cb_error(). */
static int synthesize(const cb_yosys_job *job, const char *stat, const char *net, cb_site_count *c) {
    const char *const argv[] = {"yosys", "-q", "-s", script_name, NULL};
    cb_process_end end;
    cb_process p = {.argv = argv, .dir = job->dir, .wall_s = job->wall_s, .memory_mib = job->memory_mib};
    int rc = cb_process_run(&p, &end);
    if (job->end) *job->end = end;
    if (rc) return -1;
    cb_info("yosys: %.1f s wall, %.1f s CPU, %lld MiB", end.wall_s, end.cpu_s, (long long)end.rss_kib / 1024);
    cb_cell_count counted;
    if (cb_stat_read(stat, &counted) || cb_sites_read(net, c)) return cb_fail("broken report: %s", cb_synth_reason(job->dir));
    return same_cells(&counted, &c->cells);
}

static int run_in(const cb_yosys_job *job, cb_synth_report *r, const char *link, const char *stat, const char *net) {
    char version[48];
    cb_process_version("yosys", "-V", version, sizeof version);
    cb_info("yosys %s: %s for %s", version, cb_basename(job->verilog), r->part.family);
    cb_site_count c;
    int bad = cb_verilog_link(job->verilog, link);
    if (bad) return -1;
    if (synthesize(job, stat, net, &c)) {
        cb_synth_row *row = cb_synth_row_add(r, "yosys-synth", "yosys", "raw-cells");
        if (!row) return -1;
        snprintf(row->version, sizeof row->version, "%s", version);
        cb_synth_row_fail(row, cb_error());
        cb_warn("%s", cb_error());
        return 0;
    }
    return add_rows(r, &c, version, job);
}

int cb_yosys_run(const cb_yosys_job *job, cb_synth_report *r) {
    char *path[4] = {cb_textf("%s/%s", job->dir, script_name), cb_textf("%s/%s", job->dir, cb_basename(job->verilog)),
                     cb_textf("%s/%s", job->dir, stat_name), cb_textf("%s/%s", job->dir, net_name)};
    char *script = cb_yosys_script(cb_basename(job->verilog), job->top, r->part.family);
    int rc = path[0] && path[1] && path[2] && path[3] && script ? cb_file_write(path[0], script) : -1;
    if (!rc && !cb_process_exists("yosys")) {
        cb_synth_row *row = cb_synth_row_add(r, "yosys-synth", "yosys", "raw-cells");
        if (row) snprintf(row->status, sizeof row->status, "not run: yosys is not installed");
        rc = row ? 0 : -1;
    } else if (!rc) {
        rc = run_in(job, r, path[1], path[2], path[3]);
    }
    for (int i = 1; i < 4; i++)
        if (path[i]) unlink(path[i]);
    for (int i = 0; i < 4; i++) free(path[i]);
    free(script);
    return rc;
}
