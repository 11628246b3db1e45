/* The firmware folder as one thing: Makefile, README.md and the Vivado project vivado/. */
#include <stdio.h>
#include <stdlib.h>

#include "hw/emit_common.h"
#include "hw/vivado.h"

/* ---- Makefile ---- */

static const char *const make_head =
    "# make             libraries in $(O)/: the emulator and CMSSW's plug-in (GCC or Clang, Linux)\n"
    "# make check       every form on the recorded events, with the tools that are on PATH\n"
    "# make install     to PREFIX/lib and PREFIX/include\n"
    "# make vitis, make vivado   C synthesis; synthesis, placement and routing (need AMD's tools)\n"
    "#\n"
    "# O = folder of everything built; AP_TYPES = folder of the ap_fixed.h that CMSSW is compiled with;\n"
    "# HLS4ML = folder above CMSSW's hls4ml/emulator.h (one here is used without)\n";

static const char *const make_rules =
    "O ?= build\nPREFIX ?= /usr/local\nCFLAGS ?= -O2\nCXXFLAGS ?= -O2\n"
    "AP_TYPES ?=\nHLS4ML ?= cmssw\n"
    "EVENTS ?= hls/tb_data/tb_input_features.dat\nSCORES ?= hls/tb_data/tb_output_predictions.dat\n\n"
    "LIBRARY := lib$(NAME)_emulator.so.1\nMODEL := CICADAModel_$(NAME).so\n"
    "COMPILE_CXX = $(CXX) -std=c++17 $(CXXFLAGS) -fPIC -I$(HLS4ML) $(addprefix -I,$(AP_TYPES))\n\n"
    ".PHONY: all check check-emulator check-cmssw check-hls check-ctp7 check-verilog install vitis vivado clean\n"
    "all: $(O)/$(LIBRARY) $(O)/lib$(NAME)_emulator.a $(O)/$(MODEL)\n\n"
    "$(O):\n\tmkdir -p $@\n"
    "$(O)/%.o: emulator/%.c emulator/emulator.h emulator/cicada_emulator.h | $(O)\n"
    "\t$(CC) -std=c99 $(CFLAGS) -fPIC -c -o $@ $<\n"
    "$(O)/$(LIBRARY): $(O)/emulator.o $(O)/abi.o emulator/emulator.map\n"
    "\t$(CC) $(LDFLAGS) -shared -Wl,-soname,$(LIBRARY) -Wl,--version-script=emulator/emulator.map -o $@ $(filter %.o,$^)\n"
    "\tln -sf $(LIBRARY) $(O)/lib$(NAME)_emulator.so\n"
    "$(O)/lib$(NAME)_emulator.a: $(O)/emulator.o $(O)/abi.o\n\t$(AR) rcs $@ $^\n"
    "$(O)/model.o: cmssw/model.cpp | $(O)\n\t$(COMPILE_CXX) -c -o $@ $<\n"
    "$(O)/$(MODEL): $(O)/model.o $(O)/emulator.o cmssw/model.map\n"
    "\t$(CXX) $(LDFLAGS) -shared -Wl,--version-script=cmssw/model.map -o $@ $(filter %.o,$^)\n"
    "$(O)/check_emulator: emulator/check.c $(O)/$(LIBRARY)\n"
    "\t$(CC) -std=c99 $(CFLAGS) $(LDFLAGS) -Wl,-rpath,'$$ORIGIN' -o $@ $^\n"
    "$(O)/check_cmssw: cmssw/check.cpp | $(O)\n\t$(COMPILE_CXX) $(LDFLAGS) -o $@ $< -ldl\n\n";

static const char *const make_checks =
    "check: check-emulator check-cmssw check-hls check-ctp7 check-verilog\n"
    "check-emulator: $(O)/check_emulator\n\t$< $(EVENTS) $(SCORES)\n"
    "check-cmssw: $(O)/check_cmssw $(O)/$(MODEL)\n\t$< $(O)/$(MODEL) $(EVENTS) $(SCORES)\n"
    "# The test bench reads and writes tb_data of the folder it runs in.\n"
    "check-hls: | $(O)\n"
    "\trm -rf $(O)/hls && mkdir $(O)/hls && cp -r hls/tb_data $(O)/hls\n"
    "\t$(CXX) -std=c++14 $(CXXFLAGS) -Wno-unknown-pragmas -o $(O)/hls/check hls/$(NAME)_test.cpp hls/firmware/$(NAME).cpp\n"
    "\tcd $(O)/hls && ./check\n"
    "check-ctp7:\n\tif [ -d ctp7 ]; then CXX='$(CXX)' sh ctp7/run_gcc.sh; else echo 'no ctp7/: not the shape of the card'; fi\n"
    "check-verilog: $(addprefix check-,$(wildcard verilog/*_tb.v))\n"
    "check-verilog/%_tb.v: | $(O)\n"
    "\tif ! command -v iverilog >/dev/null; then echo 'iverilog is not installed: $* is not simulated'; exit 0; fi; \\\n"
    "\tiverilog -g2005 -o $(O)/$*.vvp verilog/$*.v verilog/$*_tb.v && o=$$(cd $(O) && pwd) && cd verilog && \\\n"
    "\tvvp -n \"$$o/$*.vvp\" | tee \"$$o/$*.log\" && grep -q ' mismatches 0$$' \"$$o/$*.log\"\n\n"
    "install: all\n"
    "\tmkdir -p $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/include\n"
    "\tcp -P $(O)/lib$(NAME)_emulator.* $(O)/$(MODEL) $(DESTDIR)$(PREFIX)/lib\n"
    "\tcp emulator/cicada_emulator.h $(DESTDIR)$(PREFIX)/include\n"
    "vitis:\n\tcd hls && vitis_hls -f build_prj.tcl \"reset=1 csim=1 synth=1 cosim=1 validation=1 export=1\"\n"
    "vivado:\n\tmkdir -p $(O)/vivado && cd $(O)/vivado && vivado -mode batch -source '$(CURDIR)/vivado/vivado.tcl'\n"
    "clean:\n\trm -rf $(O)\n";

static int write_makefile(const cb_emit *e, const char *name) {
    cb_text t = {0};
    cb_text_add(&t, "# %s: firmware and emulator.\n#\n", e->net->name);
    cb_text_put(&t, make_head);
    cb_text_add(&t, "NAME := %s\n", name);
    cb_text_put(&t, make_rules);
    cb_text_put(&t, make_checks);
    return cb_text_write(&t, e->dir, "Makefile");
}

/* ---- README.md ---- */

static void put_folders(cb_text *t, const cb_emit *e, const char *name, bool card) {
    cb_text_put(t, "| folder | what it is | to start with |\n|---|---|---|\n");
    cb_text_add(t, "| `verilog/` | the network as Verilog-2001, with test benches and vectors | `verilog/README.md` |\n"
                   "| `vivado/` | batch project for it: synthesis, placement, routing, reports; constraints for %.9g ns | `make vivado` |\n", e->clock_ns);
    cb_text_add(t, "| `hls/` | the network as C++ for Vitis HLS in hls4ml's layout: `firmware/%s.cpp`, `defines.h`, `weights/`, "
                   "`%s_test.cpp`, `tb_data/`, `%s_bridge.cpp`, `project.tcl`, `build_prj.tcl` | `make vitis` |\n", name, name, name);
    if (card)
        cb_text_put(t, "| `ctp7/` | `algo_unpacked` of the CTP7: 36 links of 128 bits in, the score's nibbles out; project, test bench, "
                       "card words | `sh ctp7/run_gcc.sh`, `vitis_hls -f ctp7/run_hls.tcl` |\n");
    cb_text_add(t, "| `emulator/` | the network as integer C99 and its library interface, `cicada_emulator.h` | `make`, `build/lib%s_emulator.so` |\n"
                   "| `cmssw/` | the same for CMSSW's hls4ml emulator loader | `make`, `build/CICADAModel_%s.so` |\n", name, name);
    cb_text_put(t, "| `netlist.h5` | the graph that all of these are printed from | |\n"
                   "| `report.json` | adders, depth, latency, and what was checked with which tool | |\n\n");
}

static const char *const readme_libraries =
    "## Emulator library\n\n"
    "`emulator/cicada_emulator.h` is the same for every student and frozen as interface 1: functions without structures, named\n"
    "`cicada_emulator_v1_...`, under the ELF version `CICADA_EMULATOR_1` and a SONAME that ends in `.so.1`. A program compiled\n"
    "once takes any student:\n\n";

static void put_emulator(cb_text *t, const cb_emit *e) {
    cb_text_put(t, readme_libraries);
    cb_text_add(t, "    uint16_t et[%d], code;   /* rows * columns counts, row-major */\n"
                   "    if (cicada_emulator_v1_score(et, &code)) ...   /* a count needs more than %d bits */\n"
                   "    double score = code / %d.0;\n\n"
                   "It has no state (threads need no lock) and needs nothing but the C library.\n\n",
                e->net->n_input, e->net->input_bits, 1 << CB_SCORE_FRAC);
}

static void put_cmssw(cb_text *t, const char *name, bool card) {
    cb_text_put(t, "## CMSSW\n\n");
    cb_text_add(t, "`CICADAModel_%s.so` exports `create_model` and `destroy_model` and nothing else, so several versions can be loaded\n"
                   "side by side. Build it with the headers that CMSSW itself uses, and put it on `LD_LIBRARY_PATH`:\n\n"
                   "    make AP_TYPES=<folder of ap_fixed.h> HLS4ML=<folder above hls4ml/emulator.h>\n\n", name);
    if (card)
        cb_text_add(t, "Name it in the configuration: `CICADAModelVersion = cms.string(\"CICADAModel_%s\")`, with the producer whose types are\n"
                       "`ap_uint<10>` and `ap_ufixed<16, 8, AP_RND_CONV, AP_SAT>` (`L1TCaloSummary_CICADA_vXp1p2`). Region (iPhi, iEta) is input\n"
                       "14 * gctPhi + gctEta - 4, as that producer fills it.\n", name);
    else cb_text_put(t, "CMSSW's producer (`L1TCaloSummary`) fills 18 x 14 regions of 10 bits: this student needs another one.\n");
    cb_text_put(t, "Which other types are taken: head of `cmssw/model.cpp`. A wrong type is `std::bad_any_cast`, a count that does not fit\n"
                   "`std::out_of_range`. Built without AP_TYPES it takes native integers only; `make check-cmssw AP_TYPES=cmssw/standin` checks\n"
                   "the conversions without the vendor's headers.\n\n");
}

static int write_readme(const cb_emit *e, const char *name, bool card) {
    const cb_netlist *g = e->net;
    cb_text t = {0};
    cb_text_add(&t, "# %s\n\nThe score of a calorimeter image, %d x %d regions of %d bits (counts of 0.5 GeV) -> %d bits, score = code / %d, for %s.\n",
                g->name, e->programme->input_h, e->programme->input_w, g->input_bits, CB_SCORE_BITS, 1 << CB_SCORE_FRAC, e->part);
    cb_text_add(&t, "Everything here is printed from one graph and gives the same code for every event; `report.json` says on how many\n"
                    "events that was checked, `make check` checks it again on the %zu that are here.\n\n", e->n_simulation);
    put_folders(&t, e, name, card);
    put_emulator(&t, e);
    put_cmssw(&t, name, card);
    cb_text_put(&t, "Written by cicada-bench, emit-hls. AMD's `ap_int.h` and `ap_fixed.h` are not part of this folder; the files in `standin/` have\n"
                    "their names, are for checks with a C++ compiler alone and never for CMSSW or Vitis.\n");
    return cb_text_write(&t, e->dir, "README.md");
}

/* ---- Vivado ---- */

static int write_vivado(const cb_emit *e, const char *name) {
    char top[80], verilog[96];
    const cb_netlist *g = cb_emit_hardware(e);
    const char *kind = g->n_stage ? "" : "_comb";
    snprintf(top, sizeof top, "%s%s", name, kind);
    snprintf(verilog, sizeof verilog, "%s.v", top);
    char *dir = cb_textf("%s/vivado", e->dir);
    cb_vendor_job job = {.verilog = verilog, .top = top, .dir = dir, .cycles = g->n_stage, .ii = cb_netlist_interval(g)};
    int rc = dir ? cb_vendor_scripts(&job, &(cb_part){.name = e->part, .clock_ns = e->clock_ns}) : -1;
    free(dir);
    return rc;
}

int cb_emit_folder(const cb_emit *e) {
    char name[64];
    cb_emit_identifier(e->net->name, name);
    return write_makefile(e, name) || write_readme(e, name, cb_emit_has_card(e)) || write_vivado(e, name) ? -1 : 0;
}

int cb_emit_all(const cb_emit *e) {
    return cb_emit_verilog(e) || cb_emit_hls_cpp(e) || cb_emit_emulator(e) || cb_emit_cmssw(e) || cb_emit_ctp7(e) || cb_emit_folder(e)
               ? -1
               : 0;
}
