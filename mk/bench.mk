# Speed: bench/*.c -> bin/bench -> two tables and a roofline figure under build/bench.
# Timings belong to a machine, so nothing of it enters `make all` or the checksums;
# `make bench-record` keeps tables and figure in results/, the machine named in each row:
#   bench.tsv        every kernel and loop
#   bench_loops.tsv  the loops: threads against one, and against the fastest Python peer
#   BENCHFLAGS   e.g. BENCHFLAGS='--seconds 3 --only teacher'
BENCHFLAGS ?=

BENCH_SRC := $(sort $(wildcard bench/*.c))
BENCH_OBJ := $(BENCH_SRC:%.c=$(OBJ)/%.o) \
             $(foreach v,$(ISA_LEVELS),$(patsubst %.c,$(OBJ)/%.$(v).o,$(sort $(wildcard bench/isa/*.c))))
BENCH_OUT := $(WORK)/build/bench

$(BIN)/bench: $(BENCH_OBJ) $(OBJ)/stages/stage.o $(RANKS_OBJ) $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,CC $@)$(LINK) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)

# Always measures anew.
bench: $(BIN)/bench
	@mkdir -p $(BENCH_OUT)
	$(LAUNCH) $(BIN)/bench --threads $(THREADS) --out $(BENCH_OUT)/bench.tsv --loops $(BENCH_OUT)/bench_loops.tsv $(BENCHFLAGS)
	$(PYTHON) plots/roofline.py $(BENCH_OUT) $(BENCH_OUT)/roofline.pdf
	$(PYTHON) plots/roofline.py $(BENCH_OUT) $(BENCH_OUT)/roofline.png

bench-record: $(BENCH_OUT)/bench.tsv
	@mkdir -p results
	cp $(BENCH_OUT)/bench.tsv $(BENCH_OUT)/bench_loops.tsv $(BENCH_OUT)/roofline.pdf $(BENCH_OUT)/roofline.png results/

$(BENCH_OUT)/bench.tsv:
	@$(MAKE) bench

programs cli: $(BIN)/bench

.PHONY: bench bench-record
