# Kernels that exist once per instruction set: lib/*/isa/*.c is compiled for each
# level with -DCB_ISA_NAME=<level>; lib/nn/isa.c chooses at run time (CB_ISA= forces).
ISA_SRC := $(sort $(wildcard lib/*/isa/*.c))
MACHINE := $(shell $(CC) -dumpmachine)
ifneq ($(filter x86_64%,$(MACHINE)),)
ISA_LEVELS := v2 v3 v4
ISA_FLAGS_v2 := -march=x86-64-v2
ISA_FLAGS_v3 := -march=x86-64-v3
ISA_FLAGS_v4 := -march=x86-64-v4 -mprefer-vector-width=512
else
ISA_LEVELS := $(if $(filter aarch64%,$(MACHINE)),neon,portable)
CFLAGS_ALL += -DCB_ISA_ONLY=$(ISA_LEVELS)
# gcc 12 for aarch64 ends with an internal error where it vectorises a loop of fmax:
# vectors in the kernels only, where all the time goes.
# It also distributes loops over structures wrongly (logic/train.c: fields set, then cleared again).
CFLAGS_ALL += $(if $(filter neon,$(ISA_LEVELS)),-fno-tree-vectorize -fno-tree-loop-distribution)
ISA_FLAGS_neon := -ftree-vectorize
endif
# Not CFLAGS: that of the command line would win, and only v2 would be used.
CFLAGS_ALL += $(ISA_LEVELS:%=-DCB_HAVE_ISA_%)
ISA_OBJ := $(foreach v,$(ISA_LEVELS),$(ISA_SRC:%.c=$(OBJ)/%.$(v).o))

define ISA_RULE
$(OBJ)/%.$(1).o: %.c
	@mkdir -p $$(@D)
	$$(call SAY,CC $$@)$$(CC) $$(CFLAGS_ALL) $(ISA_FLAGS_$(1)) -DCB_ISA_NAME=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach v,$(ISA_LEVELS),$(eval $(call ISA_RULE,$(v))))
