#!/bin/sh
# Other granularities and larger nets on the whole way from an image file to the students' integer programmes, each compared with
# its trainer on thousands of events: 72 x 56 towers, odd sides, thin images, wide layers. What does not fit says so.
set -eu
cd "$(dirname "$0")/../.."
fail() { echo "shapes: $*"; exit 1; }
out=build/check/shapes
rm -rf "$out"; mkdir -p "$out"
make -s programs build/obj/tests/make_images

# name, events, height, width, options of the teacher, of the QKeras and of the HGQ student
way() {
  d=$out/$1
  build/obj/tests/make_images "$2" "$3" "$4" "$d.in.h5"
  bin/preprocess -q -o "$d.h5" zb="$d.in.h5"
  bin/train-teacher -q --set teacher.epochs=1 --set teacher.batch=32 $5 -d "$d.h5" -o "$d.teacher.h5"
  bin/distill -q --set distill.outlier=augment --set distill.float_epochs=1 -d "$d.h5" -t "$d.teacher.h5" -o "$d.targets.h5"
  bin/quantize-qkeras --set student.epochs=1 $6 -d "$d.h5" -t "$d.targets.h5" -o "$d.q.h5" 2>&1 | grep 'programme equals trainer' || fail "$1: QKeras"
  bin/quantize-hgq --set student.family=hgq --set student.epochs=1 $7 -d "$d.h5" -t "$d.targets.h5" -o "$d.h.h5" 2>&1 |
    grep 'programme equals trainer' || fail "$1: HGQ"
}
v1='--set student.architecture=v1'
way towers 160 72 56 '' '--set student.filters=8 --set student.hidden=24' '--set student.kernel=4'
way odd 200 19 13 '--set teacher.architecture=cicada-revised' "$v1 --set student.hidden=31" '--set student.kernel=3'
way thin 200 2 40 '' '' "$v1"
way wide 160 18 14 '--set run.image_memory_mib=1' '--set student.filters=16 --set student.kernel=3 --set student.hidden=96' '--set student.filters=12'

# What does not fit: one sentence, no output.
refuse() { # text, command...
  text=$1; shift
  if "$@" >"$out/log" 2>&1; then fail "no error: $*"; fi
  grep -q "$text" "$out/log" || { cat "$out/log"; fail "the error lacks '$text'"; }
}
refuse 'does not fit an image of 2x40' bin/quantize-qkeras --set student.kernel=3 -d $out/thin.h5 -t $out/thin.targets.h5 -o $out/no.h5
refuse 'do not fit images of 2 x 40' bin/quantize-hgq --set student.family=hgq --set student.kernel=3 -d $out/thin.h5 -t $out/thin.targets.h5 -o $out/no.h5
refuse 'trained on 19 x 13' bin/distill -d $out/thin.h5 -t $out/odd.teacher.h5 -o $out/no.h5
refuse 'out of memory' bin/train-teacher --set 'teacher.width=4096 4096 4096' --set teacher.batch=32 -d $out/towers.h5 -o $out/no.h5
[ ! -e $out/no.h5 ] || fail "an output in spite of an error"
echo "shapes: 72 x 56, 19 x 13, 2 x 40 and wide nets, from images to programmes"
