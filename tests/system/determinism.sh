#!/bin/sh
# The tiny study gives the bytes of results/tiny/CHECKSUMS from every build:
# gcc and clang, -O1 and -O3, one and two threads, several instruction sets.
set -eu
cd "$(dirname "$0")/../.."
run() { # name, environment and make variables...
  name=$1; shift
  dir=build/check/$name
  rm -rf "$dir/work"
  echo "-- $name: $*"
  env "$@" make -s CONFIG=tiny WORK="$dir/work" STAGEFLAGS=--quiet OBJ="$dir/obj" BIN="$dir/bin" "$@" compare
}
run gcc-O3-2threads CC=gcc OPT=-O3 THREADS=2
run clang-O1-1thread CC=clang OPT=-O1 THREADS=1
run gcc-O1-3threads-v3 CC=gcc OPT=-O1 THREADS=3 CB_ISA=v3
