# Agreement with the recorded Python packages: tests/golden/golden_*.c, one program a
# subject (tests/golden/golden.h). One line a tensor; fails if any is out of tolerance.
GOLDEN ?= data/golden
GOLDEN_PROGRAMS := $(patsubst tests/golden/golden_%.c,$(OBJ)/golden/%,$(sort $(wildcard tests/golden/golden_*.c)))

$(OBJ)/golden/%: tests/golden/golden_%.c tests/golden/golden.h $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,CC $@)$(CC) $(CFLAGS_ALL) -Itests/golden -o $@ $< $(LIBRARY) $(LDFLAGS) $(LIBS)

golden: $(GOLDEN_PROGRAMS)
	@printf 'file\tgroup\ttensor\tmax_deviation\ttolerance\tverdict\n'; bad=0; \
	for p in $(GOLDEN_PROGRAMS); do $$p $(GOLDEN) || bad=1; done; exit $$bad

.PHONY: golden
