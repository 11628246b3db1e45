# The other architecture: an aarch64 build by Debian's cross compiler, run by qemu-user.
#   make test-aarch64   kernels against their references, then the tiny study: all of its
#                       artifacts must have the bytes of results/tiny/CHECKSUMS
# The libraries for it are Debian's arm64 packages, unpacked under build/aarch64/root by a package
# state of its own there: no root needed, and nothing of the system changes. Yosys, Icarus
# Verilog and the compilers that check a student's C++ and C stay this machine's: they are
# started by the aarch64 stages as by any other.
A64      := $(CURDIR)/build/aarch64
A64_ROOT := $(A64)/root
A64_DEB  := libhdf5-dev libinih-dev libjansson-dev nettle-dev libcunit1-dev libgomp1
A64_LIB  := $(A64_ROOT)/usr/lib/aarch64-linux-gnu
A64_CC   := aarch64-linux-gnu-gcc
A64_RUN  := qemu-aarch64 -L $(A64_ROOT)
A64_APT  := apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root \
            -o Dir::State=$(A64)/apt/state -o Dir::State::status=$(A64)/apt/status -o Dir::Cache=$(A64)/apt/cache
# Unit tests whose subject is arithmetic; the stages are run as a whole.
A64_UNIT := base circuit logic_learn fixed nn_conv nn_phases nn_dense nn_pointwise qkeras hgq_quantizer programme netlist stats

# The whole graph again, below another folder.
A64_MAKE  = PKG_CONFIG_LIBDIR=$(A64_LIB)/pkgconfig PKG_CONFIG_SYSROOT_DIR=$(A64_ROOT) $(MAKE) \
            CC='$(A64_CC) --sysroot=$(A64_ROOT)' OBJ=$(A64)/obj BIN=$(A64)/bin \
            LDFLAGS=-Wl,-rpath-link,$(A64_LIB):$(A64_ROOT)/lib/aarch64-linux-gnu

$(A64_ROOT)/complete: mk/aarch64.mk
	@command -v $(A64_CC) qemu-aarch64 >/dev/null || \
	  { echo 'aarch64: $(A64_CC) or qemu-aarch64 is missing; make deps installs them'; exit 1; }
	@rm -rf $(A64_ROOT) $(A64)/apt
	@mkdir -p $(A64_ROOT) $(A64)/apt/state/lists/partial $(A64)/apt/cache/archives/partial
	@: > $(A64)/apt/status
	$(A64_APT) update
	$(A64_APT) install -y --no-install-recommends --download-only $(A64_DEB)
	@for deb in $(A64)/apt/cache/archives/*.deb; do dpkg-deb -x $$deb $(A64_ROOT) || exit 1; done
	@find $(A64_ROOT) -lname '/*' | while read -r link; do ln -sfn "$(A64_ROOT)$$(readlink "$$link")" "$$link"; done
	@rm -rf $(A64)/apt
	@touch $@

aarch64-root: $(A64_ROOT)/complete

test-aarch64: $(A64_ROOT)/complete
	@$(A64_MAKE) -s -j$(JOBS) programs $(A64_UNIT:%=$(A64)/obj/tests/test_%)
	@set -e; for t in $(A64_UNIT); do echo "== aarch64 $$t"; $(A64_RUN) $(A64)/obj/tests/test_$$t; done
	@rm -rf $(A64)/work
	@$(A64_MAKE) -s -j$(JOBS) CONFIG=tiny WORK=$(A64)/work THREADS=2 STAGEFLAGS=--quiet LAUNCH='$(A64_RUN)' compare

.PHONY: aarch64-root test-aarch64
