#!/bin/sh
# A build whose compiler contracts, reorders or approximates floating-point operations refuses to work and
# says why: every program for the two usual flags, one program for each other flag and compiler.
# Only the files that look (base/numerics.h in lib/base/fmath.c and lib/nn/isa/numerics.c) are compiled with
# the flag; all others are the ordinary objects, so the refusal is theirs alone.
set -eu
cd "$(dirname "$0")/../.."
unset MAKEFLAGS MFLAGS MAKELEVEL
work=build/check/guard; failed=0; passed=0
refused() { # program, text: it must end with status 1 and that text
  status=0; $run "$1" --no-such-option >$work/out 2>&1 || status=$?
  if [ $status = 1 ] && grep -q -F -- "$2" $work/out; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  echo "FAIL $compiler $flags: $1: exit status $status, wanted 1 and '$2'"; head -3 $work/out
}
with() { # flags, text, target of make
  flags=$1
  rm -rf $work; mkdir -p $work
  cp -rl "$objects" $work/obj
  rm -rf $work/obj/tests $work/obj/libcicada.a $work/obj/lib/base/fmath.o $work/obj/lib/nn/isa/numerics.*.o
  make -s -j"$(nproc)" CC="$compiler" OBJ=$work/obj BIN=$work/bin CFLAGS="$flags" LDFLAGS="-fno-fast-math $link" "$3" |
    grep -v '^  CC' || true
  for program in $work/bin/*; do refused "$program" "$2"; done
}
each_flag() {
  one=$work/bin/score
  with -ffp-contract=fast 'contracts a*b+c' "${1:-$one}"
  with -ffast-math 'reorders sums' "${1:-$one}"
  with '-fassociative-math -fno-signed-zeros -fno-trapping-math' 'reorders sums' $one
  with -freciprocal-math 'approximates divisions' $one
  with -ffinite-math-only 'no NaN' $one
  with -fno-signed-zeros 'sign of zero' $one
}

run=''; link=''; compiler=${CC:-gcc}; objects=build/obj
make -s -j"$(nproc)" CC="$compiler" programs
each_flag programs
if $compiler -dumpmachine | grep -q x86_64; then # a library that sets flush-to-zero when it is loaded
  flags='a library built with -ffast-math'
  echo 'int nothing;' | $compiler -fPIC -shared -ffast-math -x c -o $work/ftz.so -
  make -s CC="$compiler" BIN=$work/bin $work/bin/score | grep -v '^  CC' || true
  run="env LD_PRELOAD=$PWD/$work/ftz.so"
  refused $work/bin/score 'flushed to zero'
  run=''
fi
# The other compilers, where tests/system/determinism.sh and aarch64.sh have left their objects.
objects=build/check/clang-O1/obj; compiler=clang
[ ! -e $objects/libcicada.a ] || each_flag
objects=build/aarch64/obj; root=$PWD/build/aarch64/root; compiler="aarch64-linux-gnu-gcc --sysroot=$root"
run="qemu-aarch64 -L $root"; link=-Wl,-rpath-link,$root/usr/lib/aarch64-linux-gnu
export PKG_CONFIG_LIBDIR=$root/usr/lib/aarch64-linux-gnu/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
[ ! -e $objects/libcicada.a ] || each_flag
echo "guard: $passed refusals as wanted, $failed not"
[ $failed = 0 ]
