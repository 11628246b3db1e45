# Everything from Debian packages. `make deps` needs root (or sudo).
DEB := build-essential clang libclang-rt-14-dev libomp-dev pkg-config libhdf5-dev libcunit1-dev libinih-dev \
       libjansson-dev nettle-dev gnuplot-nox python3-matplotlib yosys berkeley-abc iverilog \
       libopenmpi-dev openmpi-bin \
       qemu-user gcc-aarch64-linux-gnu
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

deps:
	@if dpkg -s $(DEB) >/dev/null 2>&1; then echo "deps: all packages are installed"; else \
	  $(SUDO) apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $(DEB); fi
	@$(MAKE) -s aarch64-root || echo "deps: without the arm64 libraries make test leaves aarch64 out"

.PHONY: deps
