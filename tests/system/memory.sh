#!/bin/sh
# Training memory belongs to the batch, not to the data set: ten times the events, the same peak but for some bytes an event (order,
# targets, split). The images of 100,000 events alone are 48 MiB. The bytes of the results do not depend on where the images lie.
set -eu
cd "$(dirname "$0")/../.."
fail() { echo "memory: $*"; exit 1; }
out=build/check/memory
rm -rf "$out"; mkdir -p "$out"
make -s programs build/obj/tests/make_images

# name of a stage, cache in MiB, options: runs it, says the peak in MiB.
peak() {
  stage=$1; cache=$2; shift 2
  bin/$stage --threads 2 --set run.image_memory_mib=$cache "$@" 2>&1 | sed -n 's/.*done: .*, \([0-9]*\) MiB$/\1/p'
}
all() { # events, cache in MiB: the peaks of four stages
  d=$out/$1; o=$out/$1.$2
  echo "$(peak train-teacher $2 --set teacher.epochs=1 --set 'teacher.width=2 2 4' -d $d.h5 -o $o.teacher.h5)" \
    "$(peak distill $2 --set distill.outlier=augment --set distill.float_epochs=1 -d $d.h5 -t $o.teacher.h5 -o $o.targets.h5)" \
    "$(peak quantize-qkeras $2 --set student.epochs=1 -d $d.h5 -t $o.targets.h5 -o $o.q.h5)" \
    "$(peak quantize-hgq $2 --set student.family=hgq --set student.epochs=1 -d $d.h5 -t $o.targets.h5 -o $o.h.h5)"
}
for n in 10000 100000; do
  build/obj/tests/make_images $n 18 14 $out/$n.in.h5
  bin/preprocess -q --set 'preprocess.split=0.8 0.1 0.1' -o $out/$n.h5 zb=$out/$n.in.h5
done
few=$(all 10000 1); many=$(all 100000 1); memory=$(all 100000 1000)
echo "peak MiB of train-teacher, distill, quantize-qkeras, quantize-hgq:"
echo "  10,000 events, 1 MiB of images in memory: $few"
echo "  100,000 events, 1 MiB:                    $many"
echo "  100,000 events, all images in memory:     $memory"
set -- $few $many $memory
[ $# = 12 ] || fail "a stage failed"
for k in 1 2 3 4; do
  eval "a=\$$k b=\${$((k + 4))} c=\${$((k + 8))}"
  [ $((b - a)) -le 8 ] || fail "stage $k: $a MiB for 10,000 events, $b for 100,000"
  [ $((c - b)) -ge 25 ] || fail "stage $k: $b MiB with the images in a file, $c in memory: nothing was saved"
done
for f in teacher targets q h; do
  cmp "$out/100000.1.$f.h5" "$out/100000.1000.$f.h5" || fail "other bytes when the images lie in a file"
done
left=$(find "$out" -name 'cicada-rows*')
[ -z "$left" ] || fail "left over: $left"
echo "memory: flat; same bytes from memory and from a scratch file"
