#!/bin/sh
# Runs CUnit programs, JOBS at a time, and prints the output of each whole, in the order given.
# Exit status 1 if one failed. Usage: tests/unit/run.sh JOBS PROGRAM...
set -u
jobs=$1; shift
for t; do rm -f "$t.status"; done
printf '%s\n' "$@" | xargs -P "$jobs" -I{} sh -c '"$0" >"$0.log" 2>&1 </dev/null; echo $? >"$0.status"' {}
failed=0
for t; do
  echo "== $t"
  cat "$t.log"
  [ "$(cat "$t.status" 2>/dev/null)" = 0 ] || { echo "FAILED $t"; failed=1; }
done
exit $failed
