#!/bin/sh
# Kills the tiny study again and again, wherever it is, and lets make go on: the
# bytes in the end are those of results/tiny/CHECKSUMS, and nothing is left over.
set -eu
cd "$(dirname "$0")/../.."
work=build/check/kill/work
rm -rf "$work"
for delay in 0.3 0.5 0.7 1 1.3 1.7 2 2.5 3 4; do
  setsid make -s CONFIG=tiny WORK=$work STAGEFLAGS=--quiet THREADS=2 artifacts >/dev/null 2>&1 &
  pid=$!
  sleep "$delay"
  kill -KILL "-$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
done
make -s CONFIG=tiny WORK=$work STAGEFLAGS=--quiet compare
left=$(find "$work" -name '*.tmp.*' -o -name '*.ckpt')
[ -z "$left" ] || { echo "left over: $left"; exit 1; }
echo "kill: 10 kills, same bytes, nothing left over"
