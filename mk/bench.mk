# Speed: bench/*.c -> bin/bench -> two tables and a roofline figure under build/bench.
# Timings belong to a machine, so nothing of it enters `make all` or the checksums;
# `make bench-record` keeps tables and figure in results/ (measured anew if the program is newer), the machine named in each row:
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

$(BENCH_OUT)/bench.tsv: $(BIN)/bench
	@$(MAKE) bench

programs cli: $(BIN)/bench $(BIN)/hw-bench

# The hardware compiler beside the recorded figures of da4ml, alkaid and hls4ml: every row of the table
# with our figure, theirs, and what was asked for. HWBENCHFLAGS, e.g. '--only cmvm'.
HWBENCHFLAGS ?=

$(BIN)/hw-bench: $(patsubst %.c,$(OBJ)/%.o,$(wildcard bench/hardware/*.c)) $(OBJ)/stages/stage.o $(RANKS_OBJ) $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,CC $@)$(LINK) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)

hw-bench: $(BIN)/hw-bench
	@mkdir -p $(BENCH_OUT)
	$(LAUNCH) $(BIN)/hw-bench --threads $(THREADS) --out $(BENCH_OUT)/hw_bench.tsv $(HWBENCHFLAGS)

# ... and kept.
hw-bench-record: hw-bench
	cp $(BENCH_OUT)/hw_bench.tsv results/hw_bench.tsv

.PHONY: bench bench-record hw-bench hw-bench-record
