# Tests. `make test` runs all of them; the CUnit summaries come last.
#   unit    tests/unit/test_*.c, one CUnit program each (tests/unit/unit.h)
#   cli     tests/cli/*.tst, command lines good and bad
#   asan    the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
#   system  tests/system/*.sh: same bytes from other compilers, optimisation
#           levels and thread counts; stages killed at any moment

JOBS ?= $(shell nproc)
UNIT := $(TEST_SRC:tests/unit/%.c=$(OBJ)/tests/%)

$(OBJ)/tests/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(LIBRARY)
	@mkdir -p $(@D)
	$(call SAY,CC $@)$(CC) $(CFLAGS_ALL) -Itests/unit -o $@ $< $(LIBRARY) $(LDFLAGS) $(LIBS) -lcunit

unit-programs: $(UNIT)

unit: $(UNIT)
	@tests/unit/run.sh $(JOBS) $(UNIT)

cli: $(PROGRAMS)
	@tests/cli/run.sh $(BIN)

asan:
	@$(MAKE) -j$(JOBS) OBJ=build/asan/obj BIN=build/asan/bin OPT=-O1 \
	  CFLAGS='-fsanitize=address,undefined -fno-sanitize-recover=undefined' \
	  LDFLAGS='-fsanitize=address,undefined' unit-programs
	@tests/unit/run.sh $(JOBS) $(TEST_SRC:tests/unit/%.c=build/asan/obj/tests/%)

system: $(PROGRAMS)
	@set -e; for t in tests/system/*.sh; do echo "== $$t"; $$t; done

test:
	@$(MAKE) -j$(JOBS) programs unit-programs
	@$(MAKE) cli
	@$(MAKE) system
	@$(MAKE) asan
	@$(MAKE) unit

.PHONY: unit unit-programs cli asan system test
