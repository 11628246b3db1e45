#!/bin/sh
# Runs the .tst tables (README.md here). Usage: tests/cli/run.sh BINDIR [table...]
set -u
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
unset MAKEFLAGS MFLAGS MAKELEVEL # a test that calls make is not part of the outer one
BIN=$(cd "$1" && pwd); DATA=$root/data; export BIN DATA root; shift
[ $# -gt 0 ] || set -- "$here"/*.tst
scratch=$root/build/scratch/cli.$$; passed=0; failed=0
trap 'rm -rf "$scratch"' EXIT
tab=$(printf '\t')
start=$PWD
for table; do
  case $table in /*) ;; *) table=$start/$table ;; esac
  [ -r "$table" ] || { echo "FAIL $table: no such table"; failed=$((failed + 1)); continue; }
  rm -rf "$scratch"; mkdir -p "$scratch"; cd "$scratch" || exit 1
  n=0
  while IFS="$tab" read -r status text command || [ -n "$status" ]; do
    n=$((n + 1))
    case $status in
      ''|'#'*) continue ;;
      '!'*) name=${status#!}
        if [ -e "$name" ]; then echo "FAIL $table:$n: $name exists"; failed=$((failed + 1)); else passed=$((passed + 1)); fi
        continue ;;
    esac
    sh -c "$command" </dev/null >out.txt 2>&1; got=$?
    if [ "$got" != "$status" ]; then
      echo "FAIL $table:$n: exit status $got, wanted $status: $command"; sed 's/^/    /' out.txt | tail -5; failed=$((failed + 1))
    elif [ "$text" != - ] && ! grep -q -F -- "$text" out.txt; then
      echo "FAIL $table:$n: output lacks '$text': $command"; sed 's/^/    /' out.txt | tail -5; failed=$((failed + 1))
    else passed=$((passed + 1)); fi
  done < "$table"
  cd "$root" || exit 1
done
echo "command lines: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
