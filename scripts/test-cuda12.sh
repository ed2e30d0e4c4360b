#!/usr/bin/env bash
# Tests the kernels as compiled by CUDA 12, on the software device: checks their machine
# code, that none is missing, and that a backend loads and finds them. Run
# make cuda-libs CUDA_RELEASE=12 first.
#
# usage: test-cuda12.sh build/cuda12
set -euo pipefail
cd "$(dirname "$0")/.."
. "$1/env"
scripts/cuda-emu.sh fast build/cuda/emu/fast "$CUDA_INCLUDE" kernels/*.cu kernels/emu/faults.cu
export CLUSIR_LIBCUDA=$PWD/build/cuda/emu/fast/libcuda.so.1 CLUSIR_NVDISASM=$NVDISASM
timeout 1900 go test -count=1 -timeout 1800s -tags cuda,cuda12 -run 'MachineCode|ImagesFor|Release|Conformance/tf32' ./internal/kernels/cuda "${@:2}"
