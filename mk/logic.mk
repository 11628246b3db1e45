# Every logic gate network of the study (all seeds) in every representation: interpreter, HLS C++,
# C emulator, CMSSW plug-in, trigger-card wrapper, Verilog in Verilator and in Icarus; the same scores on every event. The trainer is
# compared when a student is written (lib/logic/student.h), on all events it was trained and selected on; no file is written on a difference.
#   LGN_EVENTS   events in software and in Verilator (100000): some directed, three quarters of the data, the rest random
#   LGN_ICARUS   events in Icarus, fewer because it takes some 100 times as long (2000)
LGN_EVENTS ?= 100000
LGN_ICARUS ?= 2000
LGN_CHECK  := $(WORK)/build/lgn-check/$(CONFIG)
LGN_NAMES  := $(foreach s,$(STUDENTS),$(if $(filter lgn,$(call ini,family,$(wildcard $(call student_ini,$(s))))),$(s)))

define LGN_CHECK_RULES
$(LGN_CHECK)/$(1).tsv: $(BIN)/emit-hls $(B)/students/$(1).h5 $(B)/dataset.h5 $(INI) $(wildcard $(call student_ini,$(1))) mk/logic.mk mk/firmware.sh
	@mkdir -p $$(@D)
	$$(call RUN,$(BIN)/emit-hls) $(call student_hardware,$(1)) --in $(B)/students/$(1).h5 --data $(B)/dataset.h5 --out $$(@:.tsv=) \
	  --verilator --no-icarus --set hardware.check_software=$(LGN_EVENTS) --set hardware.check_simulation=$(LGN_EVENTS)
	$$(call RUN,$(BIN)/emit-hls) $(call student_hardware,$(1)) --in $(B)/students/$(1).h5 --data $(B)/dataset.h5 --out $$(@:.tsv=).icarus \
	  --set hardware.check_software=0 --set hardware.check_simulation=$(LGN_ICARUS)
	{ mk/firmware.sh $(1) $$(@:.tsv=) && mk/firmware.sh $(1) $$(@:.tsv=).icarus | awk -F'\t' '$$$$2 ~ /^verilog/'; } > $$@.tmp && mv $$@.tmp $$@
endef
$(foreach s,$(LGN_NAMES),$(eval $(call LGN_CHECK_RULES,$(s))))

$(LGN_CHECK)/all.tsv: $(LGN_NAMES:%=$(LGN_CHECK)/%.tsv)
	awk -F'\t' -v OFS='\t' 'BEGIN { print "student", "representation", "tool", "status", "checked", "mismatches" } \
	  { print $$1, $$2, $$3, $$4, $$5 + $$6 + $$7, $$8 }' $^ > $@.tmp && mv $@.tmp $@

verify-lgn: $(LGN_CHECK)/all.tsv
	@$(if $(LGN_NAMES),,echo '$(INI) names no logic gate networks ([run] students)';) cat $<
	@awk -F'\t' 'NR > 1 && ($$6 > 0 || ($$4 != "ok" && $$4 !~ /^not run/)) { bad = 1 } END { exit bad }' $<

# ... and kept.
verify-lgn-record: verify-lgn
	cp $(LGN_CHECK)/all.tsv $(R)/lgn_verification.tsv

.PHONY: verify-lgn verify-lgn-record
