#!/bin/sh
# firmware.sh VERSION FOLDER: the checks in FOLDER/report.json of emit-hls as rows of a table.
set -u
awk -v version="$1" '
  function value(line) { sub(/^[^:]*: /, "", line); sub(/,$/, "", line); gsub(/^"|"$/, "", line); return line }
  /"directed"/ && !inside { directed = value($0) }
  /"recorded"/ && !inside { recorded = value($0) }
  /"checks": \[/ { inside = 1 }
  inside && /"checked"/ { checked = value($0) }
  inside && /"mismatches"/ { mismatches = value($0) }
  inside && /"representation"/ { what = value($0) }
  inside && /"status"/ { status = value($0) }
  inside && /"tool"/ { printf "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", version, what, value($0), status, checked ? directed : 0, checked ? recorded : 0, checked ? checked - directed - recorded : 0, mismatches }
  inside && /^ \]/ { inside = 0 }' "$2/report.json"
