# Agreement with the recorded Python packages: tests/golden/golden_*.c, one program a
# subject (tests/golden/golden.h). One line a tensor; fails if any is out of tolerance,
# or if the folder holds nothing to compare (status 77 of all programs).
GOLDEN ?= data/golden
GOLDEN_PROGRAMS := $(patsubst tests/golden/golden_%.c,$(OBJ)/golden/%,$(sort $(wildcard tests/golden/golden_*.c)))

$(OBJ)/golden/%: tests/golden/golden_%.c tests/golden/golden.h $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,CC $@)$(CC) $(CFLAGS_ALL) -Itests/golden -o $@ $< $(LIBRARY) $(LDFLAGS) $(LIBS)

golden: $(GOLDEN_PROGRAMS)
	@printf 'file\tgroup\ttensor\tmax_deviation\ttolerance\tverdict\n'; bad=0; compared=0; \
	for p in $(GOLDEN_PROGRAMS); do \
	  if $$p "$(GOLDEN)"; then compared=1; elif [ $$? != 77 ]; then compared=1; bad=1; fi; \
	done; \
	if [ $$compared = 0 ]; then echo "golden: $(GOLDEN) holds none of the recorded files" >&2; exit 1; fi; exit $$bad

.PHONY: golden
