#define _XOPEN_SOURCE 700 /* realpath */
#include "hw/vivado.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "hw/process.h"
#include "hw/text.h"
#include "hw/vendor_report.h"

/* Everything Vivado and Vitis leave behind goes under this folder. */
static const char scratch[] = "vendor";

static int write_vivado(const cb_vendor_job *job, const cb_part *part) {
    cb_text t = {0};
    cb_text_add(&t, "# vivado -mode batch -source vivado.tcl [-tclargs FIRMWARE_FOLDER [REPORT_FOLDER]]\n"
                    "set here [file dirname [file normalize [info script]]]\n"
                    "set firmware [file join $here ..]\n"
                    "if {![file isdirectory [file join $firmware verilog]]} { set firmware [pwd] }\n"
                    "if {$argc > 0} { set firmware [lindex $argv 0] }\n"
                    "set reports [expr {$argc > 1 ? [lindex $argv 1] : [pwd]}]\n"
                    "set top %s\nset part %s\n\n", job->top, part->name);
    cb_text_put(&t, "create_project -in_memory -part $part\n"
                    "set_param general.maxThreads 2\n");
    cb_text_add(&t, "read_verilog [file join $firmware verilog %s]\n", job->verilog);
    cb_text_put(&t, "read_xdc -mode out_of_context [file join $here clock.xdc]\n\n"
                    "proc reports {dir step} {\n"
                    "    report_utilization -file [file join $dir ${step}_utilization.rpt]\n"
                    "    report_timing_summary -max_paths 100 -file [file join $dir ${step}_timing.rpt]\n"
                    "}\n\n"
                    "# Retiming has another name before 2021.2.\n"
                    "set options [list -top $top -part $part -mode out_of_context -flatten_hierarchy full "
                    "-directive AreaOptimized_High]\n"
                    "if {[catch {synth_design {*}$options -global_retiming on} reason]} {\n"
                    "    if {![string match *global_retiming* $reason]} { error $reason }\n"
                    "    synth_design {*}$options -retiming\n"
                    "}\n"
                    "reports $reports synth\n\n"
                    "opt_design -directive ExploreWithRemap\n"
                    "place_design -directive Explore\n"
                    "phys_opt_design -directive AggressiveExplore\n"
                    "route_design -directive Explore\n"
                    "reports $reports route\n"
                    "report_power -file [file join $reports route_power.rpt]\n"
                    "report_drc -file [file join $reports route_drc.rpt]\n"
                    "write_checkpoint -force [file join $reports route.dcp]\n"
                    "exit\n");
    return cb_text_write(&t, job->dir, "vivado.tcl");
}

/* A combinational design has no clk port: a virtual clock times input to output. */
static int write_xdc(const cb_vendor_job *job, const cb_part *part) {
    cb_text t = {0};
    double p = part->clock_ns;
    cb_text_add(&t, "# target clock of the trigger card: %.9g ns\n", p);
    if (job->cycles > 0)
        cb_text_add(&t, "create_clock -period %.9g -name clk [get_ports clk]\n"
                        "set_clock_uncertainty %.9g [get_clocks clk]\n", p, 0.1 * p);
    else
        cb_text_add(&t, "create_clock -period %.9g -name clk\n", p);
    const char *inputs = job->cycles > 0 ? "[filter [all_inputs] {NAME != clk}]" : "[all_inputs]";
    cb_text_add(&t, "set_input_delay -clock clk -min %.9g %s\nset_input_delay -clock clk -max %.9g %s\n"
                    "set_output_delay -clock clk -min %.9g [all_outputs]\n"
                    "set_output_delay -clock clk -max %.9g [all_outputs]\n",
                0.2 * p, inputs, 0.4 * p, inputs, 0.2 * p, 0.4 * p);
    return cb_text_write(&t, job->dir, "clock.xdc");
}

int cb_vendor_scripts(const cb_vendor_job *job, const cb_part *part) {
    return write_vivado(job, part) || write_xdc(job, part) ? -1 : 0;
}

/* ---- running ---- */

static cb_synth_row *idle_row(cb_synth_report *r, const char *step, const char *tool, const char *rule,
                              const char *why) {
    cb_synth_row *row = cb_synth_row_add(r, step, tool, rule);
    if (row) snprintf(row->status, sizeof row->status, "not run: %s", why);
    return row;
}

/* The name in `set project_name "X"` of emit-hls's project.tcl; false if there is none. */
static bool project_name(const char *folder, char *to, size_t size) {
    static const char set[] = "set project_name \"";
    char *path = cb_textf("%s/hls/project.tcl", folder);
    char *text = path && cb_file_exists(path) ? cb_file_read(path, NULL) : NULL;
    const char *at = text ? strstr(text, set) : NULL;
    size_t n = at ? strcspn(at + strlen(set), "\"\n/") : 0;
    if (n && n < size) snprintf(to, size, "%.*s", (int)n, at + strlen(set));
    free(path);
    free(text);
    return n && n < size;
}

/* A copy of hls/ to work in, with the part and clock of this report. */
static int copy_project(const cb_vendor_job *job, const cb_part *part, const char *firmware, const char *work) {
    char *from = cb_textf("%s/hls", firmware), *file = cb_textf("%s/hls/project.tcl", work), *all = NULL;
    const char *const argv[] = {"cp", "-r", from, ".", NULL};
    int rc = from && file ? cb_process_run(&(cb_process){.argv = argv, .dir = work, .wall_s = job->wall_s}, NULL) : -1;
    char *text = rc ? NULL : cb_file_read(file, NULL);
    if (text) all = cb_textf("%s\nset part \"%s\"\nset clock_period %.9g\n", text, part->name, part->clock_ns);
    if (!rc) rc = all ? cb_file_write(file, all) : -1;
    free(from);
    free(file);
    free(text);
    free(all);
    return rc;
}

/* report.xml or, if the tool wrote none, report.rpt. */
static int read_csynth(const char *report, cb_synth_row *row, json_t **names) {
    char *xml = cb_textf("%s.xml", report), *rpt = cb_textf("%s.rpt", report);
    bool text = xml && rpt && !cb_file_exists(xml) && cb_file_exists(rpt);
    int rc = !xml || !rpt ? -1 : text ? cb_csynth_rpt_read(rpt, row, names) : cb_csynth_read(xml, row, names);
    free(xml);
    free(rpt);
    return rc;
}

/* The testbench on the RTL that C synthesis left in `folder`: a row of its own. */
static int run_cosim(const cb_vendor_job *job, const char *folder, const char *name, const char *version, cb_synth_report *r) {
    cb_synth_row *row = cb_synth_row_add(r, "co-simulation", "vitis_hls", "cosim");
    char *report = cb_textf("%s/%s_prj/solution1/sim/report/%s_cosim.rpt", folder, name, name);
    if (!row || !report) return free(report), -1;
    snprintf(row->version, sizeof row->version, "%s", version);
    const char *const argv[] = {"vitis_hls", "-f", "build_prj.tcl", "reset=0 csim=0 synth=0 cosim=1", NULL};
    cb_process p = {.argv = argv, .dir = folder, .wall_s = job->wall_s, .memory_mib = job->memory_mib};
    json_t *names = NULL;
    if (cb_process_run(&p, NULL) || cb_cosim_read(report, row, &names)) cb_synth_row_fail_in(row, folder);
    json_decref(r->cosim);
    r->cosim = names;
    free(report);
    return 0;
}

static int run_hls(const cb_vendor_job *job, const char *firmware, const char *work, cb_synth_report *r) {
    char name[64];
    if (!project_name(firmware, name, sizeof name))
        return idle_row(r, "csynth", "vitis_hls", "csynth", "no hls/project.tcl") ? 0 : -1;
    if (!cb_process_exists("vitis_hls"))
        return idle_row(r, "csynth", "vitis_hls", "csynth", "vitis_hls is not installed") ? 0 : -1;
    cb_synth_row *row = cb_synth_row_add(r, "csynth", "vitis_hls", "csynth");
    char *folder = cb_textf("%s/hls", work);
    char *report = cb_textf("%s/%s_prj/solution1/syn/report/%s_csynth", folder ? folder : "", name, name);
    int rc = row && folder && report ? 0 : -1;
    if (!rc) {
        cb_process_version("vitis_hls", "-version", row->version, sizeof row->version);
        const char *const argv[] = {"vitis_hls", "-f", "build_prj.tcl", "reset=1 csim=0 synth=1", NULL};
        cb_process p = {.argv = argv, .dir = folder, .wall_s = job->wall_s, .memory_mib = job->memory_mib};
        json_t *names = NULL;
        bool bad = copy_project(job, &r->part, firmware, work) || cb_process_run(&p, NULL) || read_csynth(report, row, &names);
        if (bad) cb_synth_row_fail_in(row, folder);
        json_decref(r->csynth);
        r->csynth = names;
        if (!bad) rc = run_cosim(job, folder, name, row->version, r);
    }
    free(folder);
    free(report);
    return rc;
}

static int read_step(const cb_vendor_job *job, const char *work, const char *step, cb_synth_report *r,
                     cb_synth_row *row) {
    char *use = cb_textf("%s/%s_utilization.rpt", work, step), *time = cb_textf("%s/%s_timing.rpt", work, step);
    json_t *timing = NULL;
    int rc = use && time ? 0 : -1;
    if (!rc && (cb_utilization_read(use, row) || cb_timing_read(time, r->part.clock_ns, row, &timing)))
        cb_synth_row_fail_in(row, work);
    row->cycles = job->cycles;
    row->ii = job->ii;
    if (timing) { /* the routed one comes last and stays */
        json_decref(r->timing);
        r->timing = timing;
    }
    free(use);
    free(time);
    return rc;
}

static int run_vivado(const cb_vendor_job *job, const char *firmware, const char *work, cb_synth_report *r) {
    static const char *const step[2] = {"synth", "route"}, *const row_step[2] = {"vivado-synth", "vivado-route"};
    bool have = cb_process_exists("vivado");
    cb_synth_row *row[2];
    for (int i = 0; i < 2; i++)
        if (!(row[i] = have ? cb_synth_row_add(r, row_step[i], "vivado", "vendor")
                            : idle_row(r, row_step[i], "vivado", "vendor", "vivado is not installed")))
            return -1;
    if (!have) return 0;
    cb_process_version("vivado", "-version", row[0]->version, sizeof row[0]->version);
    memcpy(row[1]->version, row[0]->version, sizeof row[0]->version);
    const char *const argv[] = {"vivado", "-mode", "batch", "-nojournal", "-nolog", "-notrace", "-source",
                                "../vivado.tcl", "-tclargs", firmware, ".", NULL};
    cb_process p = {.argv = argv, .dir = work, .wall_s = job->wall_s, .memory_mib = job->memory_mib};
    if (cb_process_run(&p, NULL)) {
        for (int i = 0; i < 2; i++) cb_synth_row_fail(row[i], cb_error());
        cb_warn("%s", row[0]->status);
        return 0;
    }
    for (int i = 0; i < 2; i++)
        if (read_step(job, work, step[i], r, row[i])) return -1;
    return 0;
}

int cb_vendor_run(const cb_vendor_job *job, cb_synth_report *r) {
    char *work = cb_textf("%s/%s", job->dir, scratch), *firmware = realpath(job->firmware, NULL);
    int rc = work && firmware ? cb_mkdirs(work) : cb_fail("%s: %s", job->firmware, strerror(errno));
    if (!rc) rc = run_hls(job, firmware, work, r) || run_vivado(job, firmware, work, r) ? -1 : 0;
    if (work && cb_remove_tree(work)) rc = -1;
    free(work);
    free(firmware);
    return rc;
}
