#!/bin/sh
# Builds libcuda.a, the trampolines of internal/kernels/cuda/libcuda.
# usage: cuda-libcuda.sh LIBCUDA_A
set -eu
source=$(dirname "$0")/../internal/kernels/cuda/libcuda
mkdir -p "$(dirname "$1")"
${CC:-cc} -O2 -fPIC -Wall -Wextra -Werror -c "$source/lazy.c" -o "${1%.a}.o"
rm -f "$1"
${AR:-ar} rcs "$1" "${1%.a}.o"
