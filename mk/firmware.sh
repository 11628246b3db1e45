#!/bin/sh
# firmware.sh VERSION FOLDER: the checks in FOLDER/report.json of emit-hls as rows of a table, and one more: the pipelined Verilog
# and its test bench in Verilator.
set -u
awk -v version="$1" '
  function value(line) { sub(/^[^:]*: /, "", line); sub(/,$/, "", line); gsub(/^"|"$/, "", line); return line }
  /"checks": \[/ { inside = 1 }
  inside && /"checked"/ { checked = value($0) }
  inside && /"mismatches"/ { mismatches = value($0) }
  inside && /"representation"/ { what = value($0) }
  inside && /"status"/ { status = value($0) }
  inside && /"tool"/ { printf "%s\t%s\t%s\t%s\t%s\t%s\n", version, what, value($0), status, checked, mismatches }
  inside && /^ \]/ { inside = 0 }' "$2/report.json" || exit 1
if ! command -v verilator > /dev/null; then
  printf '%s\tverilog\tverilator\tnot run: verilator is not installed\t0\t0\n' "$1"; exit 0
fi
cd "$2/verilog" || exit 1
tool=$(verilator --version | awk '{ print tolower($1), $2 }')
bench=$(ls ./*_tb.v | grep -v _comb_tb.v | head -n 1)
design=${bench%_tb.v}; name=$(basename "$design")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if verilator --binary -O1 -CFLAGS -O1 -Wno-fatal --top-module "${name}_tb" --Mdir "$work/obj" "$design.v" "$bench" > "$work/log" 2>&1 &&
   "$work/obj/V${name}_tb" > "$work/out" 2>> "$work/log"; then
  awk -v version="$1" -v tool="$tool" '/^checked/ { printf "%s\tverilog\t%s\t%s\t%s\t%s\n", version, tool, $4 ? "mismatch" : "ok", $2, $4; seen = 1 }
    END { if (!seen) printf "%s\tverilog\t%s\tno result\t0\t0\n", version, tool }' "$work/out"
else
  tail -n 5 "$work/log" >&2
  printf '%s\tverilog\t%s\tfailed: %s\t0\t0\n' "$1" "$tool" "$(tail -n 1 "$work/log" | tr '\t' ' ')"
fi
