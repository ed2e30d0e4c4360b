#!/bin/sh
# Compiles one file of kernels to a fatbin with machine code for sm_80 and sm_90, and
# PTX for later architectures. Warnings are errors; so are register spills, local arrays
# that do not fit in registers, and double precision.
#
# usage: cuda-compile.sh NVCC KERNEL.cu KEEP OUT.fatbin
#
# KEEP gets NAME.sm_80.cubin and NAME.sm_90.cubin for the checks of the machine
# code, and NAME.ptxas, the assembler's report on registers and shared memory.
set -eu
nvcc=$1 source=$2 keep=$3 out=$4
name=$(basename "$source" .cu)
work=$keep/$name.tmp
rm -rf "$work"
mkdir -p "$work" "$(dirname "$out")"
trap 'rm -rf "$work"' EXIT

"$nvcc" -O3 -std=c++17 -fatbin --no-compress -lineinfo \
    -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=sm_90 \
    -gencode arch=compute_80,code=compute_80 \
    -Werror all-warnings -Xptxas -v,-Werror,-warn-spills,-warn-lmem-usage,-warn-double-usage \
    -I"$(dirname "$0")/../kernels" --keep --keep-dir "$work" -o "$work/out.fatbin" "$source" \
    >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }

mv "$work"/*80.cubin "$keep/$name.sm_80.cubin"
mv "$work"/*90.cubin "$keep/$name.sm_90.cubin"
mv "$work/log" "$keep/$name.ptxas"
mv "$work/out.fatbin" "$out"
