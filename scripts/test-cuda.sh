#!/bin/sh
# Tests the CUDA backend without a GPU: builds the software device, in its fast
# and in its checked form, runs the tests of internal/kernels/cuda on both, and the
# golden network and a restoration on the fast one.
# The fatbins and libcuda.a must be there (make cuda-libs).
#
# usage: test-cuda.sh build/cuda [go test flags]
#
# CUDA_MODES=fast leaves the checked build out, which takes most of the time.
#
# Every run has a time limit: a kernel that never ends is a failure, not a hang.
set -eu
build=$(cd "$1" && pwd)
shift
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. "$build/env"

faults=kernels/emu/faults.cu
if [ ! -e "$build/faults.fatbin" ] || [ -n "$(find $faults kernels/*.cuh -newer "$build/faults.fatbin")" ]; then
    scripts/cuda-compile.sh "$NVCC" $faults "$build/machine" "$build/faults.fatbin"
fi
export CLUSIR_NVDISASM="$NVDISASM" # for the checks of the machine code, once

for mode in ${CUDA_MODES:-fast checked}; do
    scripts/cuda-emu.sh $mode "$build/emu/$mode" "$CUDA_INCLUDE" kernels/*.cu $faults
    echo "== software device, $mode"
    export CLUSIR_LIBCUDA=$build/emu/$mode/libcuda.so.1
    timeout 900 go test -count=1 -timeout 800s -tags cuda "$@" ./internal/kernels/cuda
    unset CLUSIR_NVDISASM
    [ $mode = fast ] || continue
    # The whole network and the program: the golden file of the repository alone,
    # since the larger ones would take hours here.
    timeout 900 go test -count=1 -timeout 800s -tags cuda "$@" ./internal/device
    timeout 900 go test -count=1 -timeout 800s -tags cuda "$@" -run 'TestGolden$/testdata/small/cuda|TestGoldenPrecision' ./internal/model
    timeout 900 go test -count=1 -timeout 800s -tags cuda "$@" -run OnCUDA ./cmd/clusir
done
