# What each ingredient of hgq+ gives: configs/ablation_hgq.tsv -> results/ablation_hgq.tsv and its figure.
# Every row is configs/students/hgq-plus.ini with its settings changed, trained, compiled, synthesised and scored
# like a student of the study, under $(WORK)/build/ablation/$(CONFIG); nothing of it enters `make all`.
#   ABLATION_SEEDS   seeds of every row (1)

ABLATION_SEEDS ?= 1
ABLATION_BASE := configs/students/hgq-plus.ini
ABLATION_LIST := configs/ablation_hgq.tsv
ABLATION_DIR  := $(WORK)/build/ablation/$(CONFIG)
ABLATION      := $(foreach n,$(shell awk -F'\t' '!/^\#/{print $$1}' $(ABLATION_LIST)),$(ABLATION_SEEDS:%=$(n)@%))
# the settings of a row; a comma stands for the space inside a value
ablation_sets = $(shell awk -F'\t' -v n='$(firstword $(subst @, ,$(1)))' \
  '$$1==n{k=split($$3,s," ");for(i=1;i<=k;i++){gsub(","," ",s[i]);printf " --set \"%s\"",s[i]}}' $(ABLATION_LIST))

define ABLATION_RULES
$(ABLATION_DIR)/$(1).h5: $(BIN)/quantize-plus $(B)/dataset.h5 $(B)/targets.h5 $(INI) $(ABLATION_BASE) $(ABLATION_LIST)
	$$(call RUN,$(BIN)/quantize-plus) --student $(ABLATION_BASE) --set student.name=$(1) --set student.seed=$(word 2,$(subst @, ,$(1))) \
	  $$(call ablation_sets,$(1)) --data $(B)/dataset.h5 --targets $(B)/targets.h5 --out $$@

$(ABLATION_DIR)/firmware/$(1)/report.json: $(BIN)/emit-hls $(ABLATION_DIR)/$(1).h5 $(INI)
	$$(call RUN,$(BIN)/emit-hls) --set hardware.check_simulation=0 --in $(ABLATION_DIR)/$(1).h5 --data $(B)/dataset.h5 \
	  --out $(ABLATION_DIR)/firmware/$(1)

$(ABLATION_DIR)/synthesis/$(1).json: $(BIN)/synthesize $(ABLATION_DIR)/firmware/$(1)/report.json $(PART) $(INI)
	$$(call RUN,$(BIN)/synthesize) --in $(ABLATION_DIR)/firmware/$(1) --part $(PART) --out $$@
endef
$(foreach s,$(ABLATION),$(eval $(call ABLATION_RULES,$(s))))

$(ABLATION_DIR)/performance.tsv: $(BIN)/score $(ABLATION:%=$(ABLATION_DIR)/%.h5) $(ABLATION:%=$(ABLATION_DIR)/synthesis/%.json)
	$(call RUN,$(BIN)/score) --data $(B)/dataset.h5 --targets $(B)/targets.h5 --out $(ABLATION_DIR) \
	  $(ABLATION:%=--report $(ABLATION_DIR)/synthesis/%.json) \
	  $(ABLATION:%=--hardware $(ABLATION_DIR)/firmware/%/report.json) $(ABLATION:%=$(ABLATION_DIR)/%.h5)

$(R)/ablation_hgq.tsv: mk/ablation.awk $(ABLATION_LIST) $(ABLATION_DIR)/performance.tsv
	@mkdir -p $(@D)
	awk -f mk/ablation.awk $(ABLATION_LIST) $(ABLATION_DIR)/students.tsv $(ABLATION_DIR)/resources.tsv \
	  $(ABLATION_DIR)/performance.tsv > $@.tmp && mv $@.tmp $@

$(R)/ablation_hgq.pdf $(R)/ablation_hgq.png: plots/ablation.py $(wildcard plots/*.py) $(R)/ablation_hgq.tsv
	SOURCE_DATE_EPOCH=0 $(PYTHON) $< $(R) $@

ablation-hgq: $(R)/ablation_hgq.tsv $(R)/ablation_hgq.pdf $(R)/ablation_hgq.png

.PHONY: ablation-hgq
