#!/bin/sh
# One list of hashes, results/tiny/CHECKSUMS, from every build: gcc and clang, -O1 and -O3, each of them with
# every instruction set of this processor, and 1, 2, 3 and 8 threads. Two builds make the whole study, the other pairs
# what is trained (dataset, teacher, targets, students, fronts: `make compare-trained`).
# Other processors: aarch64.sh here.
set -eu
cd "$(dirname "$0")/../.."
run() { # goal, name of the build, make variables (those of the environment too: CB_ISA)...
  goal=$1; name=$2; shift 2
  work=build/check/$name/work
  rm -rf "$work"
  [ "$name" = gcc-O3 ] || set -- OBJ="build/check/$name/obj" BIN="build/check/$name/bin" "$@"
  echo "-- $name: $*"
  env "$@" make -s -j"$(nproc)" CONFIG=tiny WORK="$work" STAGEFLAGS=--quiet "$@" "$goal"
}
run compare         gcc-O3   THREADS=2
run compare         clang-O1 THREADS=1 CB_ISA=v3 CC=clang OPT=-O1
run compare-trained gcc-O3   THREADS=8 CB_ISA=v3
run compare-trained gcc-O3   THREADS=3 CB_ISA=v2
run compare-trained clang-O1 THREADS=8 CB_ISA=v4 CC=clang OPT=-O1
run compare-trained clang-O1 THREADS=2 CB_ISA=v2 CC=clang OPT=-O1
run compare-trained gcc-O1   THREADS=3 CB_ISA=v4 CC=gcc OPT=-O1
run compare-trained gcc-O1   THREADS=1 CB_ISA=v2 CC=gcc OPT=-O1
