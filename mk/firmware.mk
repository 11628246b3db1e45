# Every recorded firmware version in every representation: integer programme, interpreter, HLS C++, C emulator, CMSSW plug-in,
# trigger-card wrapper, Verilog in Icarus and, where installed, Verilator. All of them must give the scores that the published
# C++ gave for the recorded events, and the programme's on directed and random events (of 15,000 simulated events more
# than 10,000 are random). Minutes of simulation: no part of `make test`.
FIRMWARE_VERSIONS   := $(notdir $(patsubst %/,%,$(wildcard data/firmware/*/)))
FIRMWARE_SOFTWARE   ?= 110000
FIRMWARE_SIMULATION ?= 15000
FIRMWARE_CHECK      := $(WORK)/build/firmware-check
FIRMWARE            := data/firmware

$(FIRMWARE_CHECK)/%.tsv: $(BIN)/import-weights $(BIN)/emit-hls mk/firmware.mk mk/firmware.sh
	@mkdir -p $(@D)
	$(BIN)/import-weights -q --arch $(firstword $(subst p, ,$*)) --in $(FIRMWARE)/$* --name $* --out $(@:.tsv=.h5)
	$(LAUNCH) $(BIN)/emit-hls --in $(@:.tsv=.h5) --out $(@:.tsv=) --verilator \
	  --recorded $(FIRMWARE)/testvectors_in.txt=$(FIRMWARE)/$*/CICADA_$*_events256.csv \
	  --recorded $(FIRMWARE)/inputs_random4096.h5=$(FIRMWARE)/$*/CICADA_$*_random4096.csv \
	  --set hardware.check_software=$(FIRMWARE_SOFTWARE) --set hardware.check_simulation=$(FIRMWARE_SIMULATION)
	mk/firmware.sh $* $(@:.tsv=) > $@.tmp && mv $@.tmp $@

verify-firmware: $(FIRMWARE_VERSIONS:%=$(FIRMWARE_CHECK)/%.tsv)
	@printf 'version\trepresentation\ttool\tstatus\tdirected\trecorded\trandom\tmismatches\n' > $(FIRMWARE_CHECK)/all.tsv
	@cat $^ >> $(FIRMWARE_CHECK)/all.tsv
	@cat $(FIRMWARE_CHECK)/all.tsv
	@awk -F'\t' 'NR > 1 && ($$8 > 0 || ($$4 != "ok" && $$4 !~ /^not run/)) { bad = 1 } END { exit bad }' $(FIRMWARE_CHECK)/all.tsv

# ... and kept.
verify-firmware-record: verify-firmware
	cp $(FIRMWARE_CHECK)/all.tsv results/firmware_verification.tsv

# Proofs of the same versions (as `make prove` of the students): programme = netlist = Verilog for all inputs. VERSION_ii4: four
# clocks an event, positions share engines; VERSION_ternary: chains of three operands, also in the cells of 7 series.
FIRMWARE_PROOFS := $(FIRMWARE_VERSIONS) $(addsuffix _ii4,$(filter v2%,$(FIRMWARE_VERSIONS))) $(FIRMWARE_VERSIONS:%=%_ternary)
FIRMWARE_PROOF_FILES := $(FIRMWARE_PROOFS:%=$(FIRMWARE_CHECK)/%.proof.tsv)
firmware_version = $(firstword $(subst _, ,$(1)))
firmware_variant = $(if $(filter %_ii4,$(1)),--ii 4) $(if $(filter %_ternary,$(1)),--set hardware.ternary=yes)

$(FIRMWARE_CHECK)/%.proof.tsv: $(BIN)/import-weights $(BIN)/emit-hls mk/firmware.mk
	@mkdir -p $(@D)
	$(BIN)/import-weights -q --arch $(firstword $(subst p, ,$*)) --in data/firmware/$(call firmware_version,$*) --name $* --out $(@:.tsv=.h5)
	$(LAUNCH) $(BIN)/emit-hls --in $(@:.tsv=.h5) --out $(@:.tsv=.firmware) $(call firmware_variant,$*) --set hardware.check_software=1000 \
	  --set hardware.check_simulation=0 --prove $@ $(PROVEFLAGS) && rm -rf $(@:.tsv=.firmware)

prove-firmware: $(FIRMWARE_PROOF_FILES)
	@awk 'FNR == 1 && NR > 1 { next } { print }' $^

# ... and kept.
prove-firmware-record: prove-firmware
	@awk 'FNR == 1 && NR > 1 { next } { print }' $(FIRMWARE_PROOF_FILES) > results/firmware_proofs.tsv

.PHONY: verify-firmware verify-firmware-record prove-firmware prove-firmware-record
