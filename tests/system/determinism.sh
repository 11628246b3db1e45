#!/bin/sh
# The tiny study gives the bytes of results/tiny/CHECKSUMS from every build:
# gcc and clang, -O1 and -O3, one and two threads, several instruction sets.
set -eu
cd "$(dirname "$0")/../.."
run() { # name, make variables (those of the environment too: CB_ISA)...
  name=$1; shift
  work=build/check/$name/work
  rm -rf "$work"
  echo "-- $name: $*"
  env "$@" make -s -j"$(nproc)" CONFIG=tiny WORK="$work" STAGEFLAGS=--quiet "$@" compare
}
own() { echo "OBJ=build/check/$1/obj BIN=build/check/$1/bin"; }
run first THREADS=2
run clang-O1 CC=clang OPT=-O1 THREADS=1 $(own clang-O1)
run gcc-O1-v3 CC=gcc OPT=-O1 THREADS=3 CB_ISA=v3 $(own gcc-O1-v3)
