# Unit tests: tests/unit/test_<folder>*.c, one CUnit program each; see tests/unit/unit.h.
UNIT := $(TEST_SRC:tests/unit/%.c=$(OBJ)/tests/%)

$(OBJ)/tests/%: tests/unit/%.c tests/unit/unit.h $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,CC $@)$(CC) $(CFLAGS_ALL) -Itests/unit -o $@ $< $(LIBRARY) $(LDFLAGS) $(LIBS) -lcunit

unit: $(UNIT)
	@set -e; for t in $(UNIT); do echo "== $$t"; $$t; done

test: unit

.PHONY: unit test

# Command lines, good and bad: tests/cli/*.tst.
cli: $(PROGRAMS)
	@tests/cli/run.sh $(BIN)

test: cli
.PHONY: cli
