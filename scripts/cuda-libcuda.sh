#!/usr/bin/env bash
# Builds libcuda.a, the trampolines of internal/kernels/cuda/libcuda, one for each call of
# the driver that cuda.h declares.
# usage: cuda-libcuda.sh LIBCUDA_A CUDA_INCLUDE
set -euo pipefail
source=$(dirname "$0")/../internal/kernels/cuda/libcuda
mkdir -p "${1%.a}"
# lazy.c itself defines cuInit.
echo '#include <cuda.h>' | ${CC:-cc} -E -P -I"$2" - | tr '\n' ' ' | grep -oE '\bCUresult +cu[A-Za-z0-9_]+ *\(' |
    sed -E 's/CUresult +(\w+) *\(/SYMBOL(\1)/' | grep -vw cuInit | sort -u >"${1%.a}/symbols.h"
${CC:-cc} -O2 -fPIC -Wall -Wextra -Werror -I"${1%.a}" -c "$source/lazy.c" -o "${1%.a}/lazy.o"
rm -f "$1"
${AR:-ar} rcs "$1" "${1%.a}/lazy.o"
