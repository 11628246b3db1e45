# Studies beside the study: variants of a student, one thing changed at a time, trained, compiled, synthesised and scored like a
# student of the study. Nothing of them enters `make all`.
#
#   ablation-hgq    what each ingredient of hgq+ gives: configs/ablation_hgq.tsv -> results/ablation_hgq.tsv
#   ablation-lgn    what each ingredient of the logic gate networks gives (shortened training; LUTs are the cost model's)
#   lgn-published   the published logic gate networks on our data: results/lgn_published.tsv
#   ABLATION_SEEDS  seeds of every row (1)
#
# A row of a list is NAME <tab> what changes <tab> settings; a comma stands for the space inside a value. A row
# whose name is a file of configs/students is that student, any other one the base of its list.

ABLATION_SEEDS ?= 1
ABLATION_DIR = $(WORK)/build/ablation/$(CONFIG)/$(1)
ABLATION_BASE_hgq := configs/students/hgq-plus.ini
ABLATION_BASE_lgn := configs/students/clgn.ini
ABLATION_BASE_lgn-published := configs/students/lgn-lt2.ini
ABLATION_LIST_hgq := configs/ablation_hgq.tsv
ABLATION_LIST_lgn := configs/ablation_lgn.tsv
ABLATION_LIST_lgn-published := configs/lgn_published.tsv
ABLATION_TABLE_hgq := $(R)/ablation_hgq.tsv
ABLATION_TABLE_lgn := $(R)/ablation_lgn.tsv
ABLATION_TABLE_lgn-published := $(R)/lgn_published.tsv
# emission without compiled emulators where there are many rows or large circuits; no Yosys where there are many
ABLATION_EMIT_lgn  := --set hardware.check_software=0
ABLATION_EMIT_lgn-published := --set hardware.check_software=0
ABLATION_SYNTH_lgn := --set synthesize.yosys=no
ablation_rows = $(foreach n,$(shell awk -F'\t' '!/^\#/{print $$1}' $(ABLATION_LIST_$(1))),$(ABLATION_SEEDS:%=$(n)@%))
ablation_name = $(firstword $(subst @, ,$(1)))
ablation_base = $(firstword $(wildcard configs/students/$(call ablation_name,$(2)).ini) $(ABLATION_BASE_$(1)))
ablation_sets = $(shell awk -F'\t' -v n='$(call ablation_name,$(2))' \
  '$$1==n{k=split($$3,s," ");for(i=1;i<=k;i++){gsub(","," ",s[i]);printf " --set \"%s\"",s[i]}}' $(ABLATION_LIST_$(1)))

# $(1) the list, $(2) a row with its seed, $(3) the folder, $(4) the student file, $(5) the trainer
define ABLATION_RULES
$(3)/$(2).h5: $(5) $(B)/dataset.h5 $(B)/targets.h5 $(INI) $(4) $(ABLATION_LIST_$(1))
	$$(call RUN,$(5)) --student $(4) --set student.name=$(2) --set student.seed=$(word 2,$(subst @, ,$(2))) \
	  $$(call ablation_sets,$(1),$(2)) --data $(B)/dataset.h5 --targets $(B)/targets.h5 --out $$@

$(3)/firmware/$(2)/report.json: $(BIN)/emit-hls $(3)/$(2).h5 $(INI) $(4)
	$$(call RUN,$(BIN)/emit-hls) --student $(4) --set hardware.check_simulation=0 $(ABLATION_EMIT_$(1)) --in $(3)/$(2).h5 \
	  --data $(B)/dataset.h5 --out $(3)/firmware/$(2)

$(3)/synthesis/$(2).json: $(BIN)/synthesize $(3)/firmware/$(2)/report.json $(PART) $(INI) $(4)
	$$(call RUN,$(BIN)/synthesize) --student $(4) $(ABLATION_SYNTH_$(1)) --in $(3)/firmware/$(2) --part $(PART) --out $$@
endef

# $(1) the list, $(2) its rows, $(3) the folder
define ABLATION_STUDY
$(3)/performance.tsv: $(BIN)/score $(2:%=$(3)/%.h5) $(2:%=$(3)/synthesis/%.json)
	$$(call RUN,$(BIN)/score) --data $(B)/dataset.h5 --targets $(B)/targets.h5 --out $(3) $(2:%=--report $(3)/synthesis/%.json) \
	  $(2:%=--hardware $(3)/firmware/%/report.json) $(2:%=$(3)/%.h5)

$(ABLATION_TABLE_$(1)): mk/ablation.awk $(ABLATION_LIST_$(1)) $(3)/performance.tsv
	@mkdir -p $$(@D)
	awk -f mk/ablation.awk $(ABLATION_LIST_$(1)) $(3)/students.tsv $(3)/resources.tsv $(3)/performance.tsv > $$@.tmp && mv $$@.tmp $$@
endef

$(foreach l,hgq lgn lgn-published,$(eval $(call ABLATION_STUDY,$(l),$(call ablation_rows,$(l)),$(call ABLATION_DIR,$(l))))\
  $(foreach r,$(call ablation_rows,$(l)),$(eval $(call ABLATION_RULES,$(l),$(r),$(call ABLATION_DIR,$(l)),$(call ablation_base,$(l),$(r)),\
    $(BIN)/quantize-$(call ini,family,$(call ablation_base,$(l),$(r)))))))

$(R)/ablation_hgq.pdf $(R)/ablation_hgq.png: plots/ablation.py $(wildcard plots/*.py) $(R)/ablation_hgq.tsv $(wildcard $(R)/performance.tsv $(R)/resources.tsv)
	SOURCE_DATE_EPOCH=0 $(PYTHON) $< $(R) $@

ablation-hgq: $(ABLATION_TABLE_hgq) $(R)/ablation_hgq.pdf $(R)/ablation_hgq.png
ablation-lgn: $(ABLATION_TABLE_lgn)
lgn-published: $(ABLATION_TABLE_lgn-published)
# Both stand in the figure of the logic gate networks, where there is one.
ablation-lgn lgn-published:
	$(foreach f,$(and $(wildcard $(R)/performance.tsv),$(LGN_FIGURE)),$(LGN_PLOT) $(f) &&) true

.PHONY: ablation-hgq ablation-lgn lgn-published
