#define _XOPEN_SOURCE 700 /* realpath */
#include "hw/nextpnr.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "hw/nextpnr_report.h"
#include "hw/process.h"
#include "quant/programme.h"
#include "hw/text.h"
#include "hw/yosys.h"

enum { MAX_ARGUMENTS = 32 };

static const char script_name[] = "yosys.ys", shell_name[] = "shell.v", work_name[] = "work";
static const char stat_name[] = "yosys_stat.json", net_name[] = "yosys_net.json", report_name[] = "report.json";

/* ---- the part ---- */

int cb_ecp5_part_of(const char *name, cb_ecp5_part *p) {
    static const struct { const char *code, *option; } lines[] = {{"LFE5U-", "--"}, {"LFE5UM-", "--um-"}, {"LFE5UM5G-", "--um5g-"}};
    static const struct { const char *code, *package; } packages[] = {{"BG", "CABGA"}, {"MG", "CSFBGA"}, {"TG", "TQFP"}};
    unsigned size = 0, pins = 0;
    int end = 0;
    char speed = 0, kind[3] = "", grade = 0;
    *p = (cb_ecp5_part){0};
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(lines[i].code);
        if (!strncmp(name, lines[i].code, n) &&
            sscanf(name + n, "%2uF-%c%2[A-Z]%3u%c%n", &size, &speed, kind, &pins, &grade, &end) == 5 && !name[n + (size_t)end] &&
            (size == 25 || size == 45 || size == 85 || (size == 12 && !i)) && speed >= '6' && speed <= '8' && strchr("CI", grade))
            snprintf(p->device, sizeof p->device, "%s%uk", lines[i].option, size);
    }
    for (int i = 0; i < 3; i++)
        if (!strcmp(kind, packages[i].code) && pins > 0) snprintf(p->package, sizeof p->package, "%s%u", packages[i].package, pins % 1000);
    p->speed[0] = speed;
    if (*p->device && *p->package) return 0;
    return cb_fail("part.name = %s: not the ordering code of an ECP5, such as LFE5U-85F-8BG756C", name);
}

/* ---- what is written ---- */

int cb_route_pins(const cb_route_job *job) { return 4 + 2 * (job->ii > 1) + CB_SCORE_BITS * job->outputs; }

static int write_shell(const cb_route_job *job) {
    int in = job->input_bits - 1, out = CB_SCORE_BITS * job->outputs - 1;
    cb_text t = {0};
    cb_text_add(&t, "// %s with registers in front, for tools that place and route a whole device.\n", job->top);
    bool shared = job->ii > 1;
    cb_text_add(&t, "module %s_shell (input clk, %sinput shift, input serial_in, output serial_out, %soutput [%d:0] score);\n", job->top,
                shared ? "input sync, " : "", shared ? "output valid, " : "", out);
    cb_text_add(&t, "  reg [%d:0] shell_q;\n", in);
    if (in > 0) cb_text_add(&t, "  always @(posedge clk) if (shift) shell_q <= {shell_q[%d:0], serial_in};\n", in - 1);
    else cb_text_put(&t, "  always @(posedge clk) if (shift) shell_q <= serial_in;\n");
    cb_text_add(&t, "  assign serial_out = shell_q[%d];\n", in);
    if (job->registered)
        cb_text_add(&t, "  %s dut (.clk(clk), %s.model_inp(shell_q), .model_out(score));\n", job->top,
                    shared ? ".sync(sync), .valid(valid), " : "");
    else
        cb_text_add(&t, "  wire [%d:0] y;\n  reg [%d:0] score_q;\n  %s dut (.model_inp(shell_q), .model_out(y));\n"
                        "  always @(posedge clk) score_q <= y;\n  assign score = score_q;\n", out, out, job->top);
    cb_text_put(&t, "endmodule\n");
    return cb_text_write(&t, job->dir, shell_name);
}

static int write_script(const cb_route_job *job) {
    const char *file = cb_basename(job->verilog);
    cb_text t = {0};
    cb_text_add(&t, "# yosys -s %s, in a folder with %s and %s\n", script_name, file, shell_name);
    cb_text_add(&t, "read_verilog %s %s\nhierarchy -check -top %s_shell\nproc\n", file, shell_name, job->top);
    cb_text_add(&t, "# one carry chain per adder module, before anything is merged\nalumacc\nflatten\n"
                    "synth_ecp5 -abc9 -top %s_shell\n", job->top);
    cb_text_add(&t, "tee -q -o %s stat -json\nsetattr -unset src t:* w:* A:top\nwrite_json %s\n", stat_name, net_name);
    return cb_text_write(&t, job->dir, script_name);
}

/* The command line of one placement; the numbers live in `text`. */
typedef struct {
    char top[96], freq[32], seed[16];
    cb_ecp5_part part;
    const char *argv[MAX_ARGUMENTS];
} command;

static void fill_command(command *c, const cb_route_job *job, double clock_ns, int seed) {
    snprintf(c->top, sizeof c->top, "%s_shell", job->top);
    snprintf(c->freq, sizeof c->freq, "%.9g", 1000 / clock_ns);
    snprintf(c->seed, sizeof c->seed, "%d", seed);
    const char *const argv[] = {job->program, c->part.device, "--package", c->part.package, "--speed", c->part.speed, "--json", net_name,
                                "--top", c->top, "--freq", c->freq, "--seed", c->seed, "--report", report_name, "--quiet",
                                "--timing-allow-fail", "--lpf-allow-unconstrained", "--no-print-critical-path-source", NULL};
    memcpy(c->argv, argv, sizeof argv);
}

static int write_commands(const cb_route_job *job, const cb_ecp5_part *part, double clock_ns) {
    command c = {.part = *part};
    fill_command(&c, job, clock_ns, 1);
    cb_text t = {0};
    cb_text_add(&t, "# sh route.sh, in a folder with %s, %s and %s: seed 1 of %d\nyosys -q -s %s &&\n", cb_basename(job->verilog), shell_name,
                script_name, job->seeds, script_name);
    for (int i = 0; c.argv[i]; i++) cb_text_add(&t, "%s%s", i ? " " : "", c.argv[i]);
    cb_text_put(&t, "\n");
    return cb_text_write(&t, job->dir, "route.sh");
}

/* ---- rows ---- */

static cb_synth_row *route_row(cb_synth_report *r, const char *program, const char *version) {
    cb_synth_row *row = cb_synth_row_add(r, "nextpnr-route", cb_basename(program), "trellis-comb");
    if (row) snprintf(row->version, sizeof row->version, "%s", version);
    return row;
}

/* One row that says why nothing was placed. */
static int refuse(cb_synth_report *r, const char *program, const char *why) {
    cb_synth_row *row = route_row(r, program, "");
    if (!row) return -1;
    snprintf(row->status, sizeof row->status, "not run: %s", why);
    cb_warn("nextpnr-route: %s", row->status);
    return 0;
}

/* "nextpnr-0.11.1)" in what --version prints -> "0.11.1" */
static void read_version(const char *program, char *version, size_t size) {
    static const char mark[] = "nextpnr-";
    const char *const argv[] = {program, "--version", NULL};
    cb_process_end end;
    *version = 0;
    if (cb_process_run(&(cb_process){.argv = argv, .wall_s = 300}, &end) && end.exit_status < 0) return;
    for (const char *at = end.tail; (at = strstr(at, mark)); at++)
        if (at[strlen(mark)] >= '0' && at[strlen(mark)] <= '9')
            snprintf(version, size, "%.*s", (int)strspn(at + strlen(mark), "0123456789."), at + strlen(mark));
}

/* ---- running ---- */

typedef struct {
    const cb_route_job *job;
    cb_synth_report *r;
    cb_ecp5_part part;
    char *work, *stat, *report, *tmpdir; /* the folder of the tools, and paths in it */
    char version[48];
    cb_cell_count cells;
} run;

/* A carry block, two bits, takes the place of two LUT4. */
static double lut4_of(const cb_cell_count *c) { return (double)(cb_cells_raw_lut(c) + 2 * c->carry4); }

/* Synthesis: 0 with its row added; 1 if that row says that it failed. */
static int synthesize(run *u) {
    const cb_route_job *job = u->job;
    const char *const argv[] = {"yosys", "-q", "-s", "../yosys.ys", NULL};
    cb_process p = {.argv = argv, .dir = u->work, .wall_s = job->wall_s, .memory_mib = job->memory_mib};
    cb_process_end end;
    cb_synth_row *row = cb_synth_row_add(u->r, "yosys-ecp5", "yosys", "lut4-cells");
    if (!row) return -1;
    cb_process_version("yosys", "-V", row->version, sizeof row->version);
    if (cb_process_run(&p, &end) || cb_stat_read(u->stat, &u->cells)) {
        cb_synth_row_fail_in(row, u->work);
        return 1;
    }
    cb_info("yosys %s: %.1f s wall, %.1f s CPU, %lld MiB", row->version, end.wall_s, end.cpu_s, (long long)end.rss_kib / 1024);
    const cb_cell_count *c = &u->cells;
    row->lut = lut4_of(c);
    row->ff = (double)(c->ff - job->input_bits);
    row->dsp = (double)c->dsp;
    row->bram = (double)c->ram36 + 0.5 * (double)c->ram18;
    row->carry = (double)c->carry4;
    row->cycles = job->cycles;
    row->ii = job->ii;
    row->detail = json_pack("{sI sI sI}", "LUT4", (json_int_t)cb_cells_raw_lut(c), "CCU2C", (json_int_t)c->carry4, "shell_ff",
                            (json_int_t)job->input_bits);
    return row->detail ? 0 : cb_fail("out of memory");
}

static int fill_row(const run *u, cb_synth_row *row, const cb_nextpnr_result *n, int seed) {
    const cb_route_job *job = u->job;
    double target = 1000 / u->r->part.clock_ns;
    row->lut = (double)n->comb;
    row->ff = (double)(n->ff - job->input_bits);
    row->dsp = (double)n->dsp;
    row->bram = 0.5 * (double)n->ram18;
    row->carry = (double)u->cells.carry4;
    row->cycles = job->cycles;
    row->ii = job->ii;
    row->fmax_mhz = floor(n->achieved_mhz * 100 + 0.5) / 100;
    if (n->achieved_mhz < target) snprintf(row->status, sizeof row->status, "misses timing: %.2f MHz of %.2f MHz", row->fmax_mhz, target);
    row->detail = json_pack("{si sI sI sf ss ss}", "seed", seed, "pins", (json_int_t)n->pins, "shell_ff", (json_int_t)job->input_bits,
                            "clock_mhz", target, "path_from", n->from, "path_to", n->to);
    return row->detail ? 0 : cb_fail("out of memory");
}

/* One placement: 0, or 1 if no other seed would fare better. */
static int place(run *u, int seed) {
    cb_synth_row *row = route_row(u->r, u->job->program, u->version);
    if (!row) return -1;
    command c = {.part = u->part};
    fill_command(&c, u->job, u->r->part.clock_ns, seed);
    const char *const environment[] = {u->tmpdir, NULL};
    cb_process p = {.argv = c.argv, .dir = u->work, .wall_s = u->job->wall_s, .resident_mib = u->job->memory_mib, .environment = environment};
    cb_process_end end;
    cb_nextpnr_result n;
    unlink(u->report); /* of the seed before */
    if (cb_process_run(&p, &end) || cb_nextpnr_report_read(u->report, &n)) {
        cb_synth_row_fail_in(row, u->work);
        if (!(row->detail = json_pack("{si}", "seed", seed))) return cb_fail("out of memory");
        return end.timed_out || end.out_of_memory;
    }
    cb_info("nextpnr %s, seed %d: %.1f MHz; %.1f s wall, %.1f s CPU, %lld MiB", u->version, seed, n.achieved_mhz, end.wall_s, end.cpu_s,
            (long long)end.rss_kib / 1024);
    return fill_row(u, row, &n, seed);
}

/* Why the part cannot take the synthesised design; NULL if it can. free(). */
static char *too_small(const run *u) {
    const cb_part *p = &u->r->part;
    const cb_cell_count *c = &u->cells;
    const struct { const char *what; double need, have; } check[] = {
        {"LUT4", lut4_of(c), p->lut}, {"FF", (double)c->ff, p->ff}, {"DSP", (double)c->dsp, p->dsp}};
    for (size_t i = 0; i < sizeof check / sizeof *check; i++)
        if (check[i].need > check[i].have)
            return cb_textf("%s has %.0f %s, %.0f are needed", p->name, check[i].have, check[i].what, check[i].need);
    return NULL;
}

static int run_tools(run *u) {
    int rc = synthesize(u);
    char *why = rc ? NULL : too_small(u);
    if (rc == 1) rc = refuse(u->r, u->job->program, "yosys failed");
    else if (why) rc = refuse(u->r, u->job->program, why);
    else if (!rc) {
        read_version(u->job->program, u->version, sizeof u->version);
        for (int seed = 1; seed <= u->job->seeds && !rc; seed++) rc = place(u, seed);
        if (rc > 0) rc = 0;
    }
    free(why);
    return rc;
}

static int run_in_folder(run *u) {
    const cb_route_job *job = u->job;
    u->work = cb_textf("%s/%s", job->dir, work_name);
    if (!u->work || cb_mkdirs(u->work)) return free(u->work), -1;
    char *real = realpath(u->work, NULL);
    char *shell = cb_textf("%s/%s", job->dir, shell_name), *link[2] = {cb_textf("%s/%s", u->work, cb_basename(job->verilog)),
                                                                       cb_textf("%s/%s", u->work, shell_name)};
    u->stat = cb_textf("%s/%s", u->work, stat_name);
    u->report = cb_textf("%s/%s", u->work, report_name);
    u->tmpdir = real ? cb_textf("TMPDIR=%s", real) : NULL; /* what a killed tool leaves goes with the folder */
    int rc = shell && link[0] && link[1] && u->stat && u->report && u->tmpdir ? 0 : cb_fail("%s: %s", u->work, strerror(errno));
    if (!rc) rc = cb_verilog_link(job->verilog, link[0]) || cb_verilog_link(shell, link[1]) ? -1 : run_tools(u);
    if (cb_remove_tree(u->work)) rc = -1;
    free(real), free(shell), free(link[0]), free(link[1]);
    free(u->stat), free(u->report), free(u->tmpdir), free(u->work);
    return rc;
}

int cb_route_run(const cb_route_job *job, cb_synth_report *r) {
    run u = {.job = job, .r = r};
    if (cb_ecp5_part_of(r->part.name, &u.part) || write_shell(job) || write_script(job) || write_commands(job, &u.part, r->part.clock_ns))
        return -1;
    char why[256] = "";
    if (job->max_lut && job->lut > job->max_lut)
        snprintf(why, sizeof why, "%lld LUT by the estimate, route.max_lut is %lld", (long long)job->lut, (long long)job->max_lut);
    else if (cb_route_pins(job) > r->part.pins)
        snprintf(why, sizeof why, "%s has %.0f pins, %d are needed", r->part.name, r->part.pins, cb_route_pins(job));
    else if (!cb_process_exists("yosys")) snprintf(why, sizeof why, "yosys is not installed");
    else if (!cb_process_exists(job->program)) snprintf(why, sizeof why, "%.200s is not installed (make deps)", job->program);
    return *why ? refuse(r, job->program, why) : run_in_folder(&u);
}
