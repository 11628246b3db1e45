# cicada-bench: from calorimeter images to results/hgq_vs_qkeras.pdf.
# `make help` lists the targets. The study itself is in mk/study.mk.

.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
OPT     ?= -O3
PYTHON  ?= /usr/bin/python3
# MPI=1: programs whose training stages work on several ranks (lib/base/ranks.h). One object differs.
#   make MPI=1 programs && mpirun -n 4 bin/mpi/train-teacher ...; make MPI=1 LAUNCH='mpirun -n 4' all
MPI     ?=
BIN     ?= bin$(if $(MPI),/mpi)
MPICC   := OMPI_CC=$(CC) MPICH_CC=$(CC) mpicc
LINK    := $(if $(MPI),$(MPICC),$(CC))
OBJ     ?= build/obj
PKG     := nettle inih jansson
V       ?=
Q       := $(if $(V),,@)
SAY     = $(if $(V),,@echo '  $(1)';)
# HDF5's C API: Debian's serial flavour.
HDF5_CFLAGS := $(shell pkg-config --cflags hdf5-serial 2>/dev/null || pkg-config --cflags hdf5 2>/dev/null)
HDF5_LIBS   := $(shell pkg-config --libs hdf5-serial 2>/dev/null || echo -lhdf5)

# -ffp-contract=off and no -ffast-math: results are the same bytes everywhere.
CFLAGS_ALL = -std=c11 -D_POSIX_C_SOURCE=200809L $(OPT) -g -Wall -Wextra -Wshadow -Wvla -Wno-unused-parameter \
             -ffp-contract=off -fno-fast-math -fopenmp -fPIC -Ilib -Istages $(HDF5_CFLAGS) \
             $(shell pkg-config --cflags $(PKG) 2>/dev/null) $(CFLAGS)
LIBS       = $(HDF5_LIBS) $(shell pkg-config --libs $(PKG) 2>/dev/null) -lm

LIB_SRC   := $(sort $(wildcard lib/*/*.c))
STAGE_SRC := $(sort $(filter-out stages/stage.c stages/trainer.c,$(wildcard stages/*.c)))
TEST_SRC  := $(sort $(wildcard tests/unit/test_*.c))
LIB_OBJ   := $(LIB_SRC:%.c=$(OBJ)/%.o)
PROGRAMS  := $(STAGE_SRC:stages/%.c=$(BIN)/%)
LIBRARY   := $(OBJ)/libcicada.a

include mk/isa.mk

programs: $(PROGRAMS)

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	$(call SAY,CC $@)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(LIBRARY): $(LIB_OBJ) $(ISA_OBJ)
	@rm -f $@
	$(Q)$(AR) rcsD $@ $^

RANKS_OBJ := $(if $(MPI),$(OBJ)/lib/base/ranks.mpi.o)
$(OBJ)/lib/base/ranks.mpi.o: lib/base/ranks.c
	@mkdir -p $(@D)
	$(call SAY,CC $@)$(MPICC) -DCB_MPI $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

define LINK_PROGRAM
@mkdir -p $(@D)
$(call SAY,CC $@)$(LINK) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $^ $(LIBS)
endef

$(BIN)/%: $(OBJ)/stages/%.o $(OBJ)/stages/stage.o $(RANKS_OBJ) $(LIBRARY)
	$(LINK_PROGRAM)

# The trainers of students share a frame. (A static pattern: an implicit rule would lose to the one above while trainer.o is not made.)
$(filter $(BIN)/quantize-%,$(PROGRAMS)): $(BIN)/%: $(OBJ)/stages/%.o $(OBJ)/stages/trainer.o $(OBJ)/stages/stage.o $(RANKS_OBJ) $(LIBRARY)
	$(LINK_PROGRAM)

include mk/deps.mk mk/test.mk mk/study.mk mk/bench.mk mk/ablation.mk mk/aarch64.mk mk/firmware.mk mk/logic.mk
-include mk/golden.mk mk/published.mk

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

clean:
	rm -rf bin build firmware

.PHONY: all programs clean help
.SECONDARY:
