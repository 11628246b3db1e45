#!/bin/sh
# MPI ranks: teacher, targets, students and fronts of the tiny study have the recorded bytes on 1, 2 and 4 ranks; an error
# is said once and ends all ranks; a killed rank leaves no hang and no file. All ranks run on this machine.
set -eu
cd "$(dirname "$0")/../.."
if ! command -v mpicc >/dev/null || ! command -v mpirun >/dev/null; then
  echo "ranks: SKIPPED, mpicc or mpirun is not installed (make deps installs them)"
  exit 0
fi
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM
ranks() { echo "mpirun --oversubscribe -n $1"; }
fail() { echo "ranks: $*"; exit 1; }
check=build/check/ranks
rm -rf "$check"; mkdir -p "$check"
grep -E ' build/tiny/([a-z]*\.h5|(students|fronts)/)' results/tiny/CHECKSUMS | grep -v scores.h5 >"$check/CHECKSUMS"
make -s -j"$(nproc)" MPI=1 programs

for n in 1 2 4; do
  work=$check/$n
  make -s MPI=1 CONFIG=tiny WORK="$work" LAUNCH="$(ranks $n)" STAGEFLAGS=--quiet \
    $(awk -v w="$work" '{print w "/" $2}' "$check/CHECKSUMS")
  (cd "$work" && sha256sum --quiet -c ../CHECKSUMS) || fail "$n ranks: other bytes"
  echo "-- $n ranks: $(wc -l <"$check/CHECKSUMS") files have the recorded bytes"
done

data=$check/1/build/tiny/dataset.h5
train() { # ranks, options of train-teacher...
  n=$1; shift
  $(ranks "$n") bin/mpi/train-teacher --config configs/tiny.ini -d "$data" "$@"
}
# One message however many ranks fail, status 1 (2 for usage), nothing left.
status=0; train 4 -o "$check/t.h5" --set teacher.batch=65536 2>"$check/log" || status=$?
[ "$status" = 1 ] && [ "$(grep -c 'lower teacher.batch' "$check/log")" = 1 ] || { cat "$check/log"; fail "error: status $status"; }
status=0; train 4 -o "$check/t.h5" --set teacher.batch=17 2>"$check/log" || status=$?
[ "$status" = 2 ] && [ "$(grep -c 'a multiple of 16 wanted' "$check/log")" = 1 ] || { cat "$check/log"; fail "usage: status $status"; }
# The log comes from one rank.
train 3 -o "$check/t.h5" --set teacher.epochs=1 2>"$check/log"
[ "$(grep -c 'epoch 1/1' "$check/log")" = 1 ] || { cat "$check/log"; fail "the log of several ranks"; }
rm "$check/t.h5"
# A rank is killed: the others end, nothing is left but the checkpoint, from which fewer ranks go on to the same bytes.
$(ranks 4) bin/mpi/train-teacher -q --config configs/tiny.ini -d "$data" -o "$check/t.h5" --set teacher.epochs=400 2>/dev/null &
launcher=$!
until [ -e "$check/t.h5.ckpt" ]; do sleep 0.05; kill -0 $launcher 2>/dev/null || fail "ended before its first epoch"; done
rank=$(pgrep -P "$launcher" -x train-teacher | tail -n 1)
kill -KILL "$rank"
( sleep 30; kill -KILL $launcher 2>/dev/null ) & watch=$!
status=0; wait $launcher || status=$?
kill $watch 2>/dev/null || fail "hangs after the loss of a rank"
[ "$status" != 0 ] || fail "a killed rank went unnoticed"
left=$(find "$check" -maxdepth 1 -name 't.h5*' ! -name t.h5.ckpt)
[ -z "$left" ] || fail "left over: $left"
echo "ranks: 1, 2 and 4 ranks give the recorded bytes; errors end all ranks once"
