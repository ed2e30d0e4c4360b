#!/usr/bin/env bash
# Tests the CUDA backend without a GPU: builds the fast and the checked form of the
# software device, and runs the tests of internal/kernels/cuda and the golden network on
# both, and a restoration and training on the fast one.
# The fatbins and libcuda.a must be there (make cuda-libs).
#
# usage: test-cuda.sh build/cuda [go test flags]
#
# With CUDA_QUICK=1, for CI, two devices train for fewer steps, and the checked form gets
# only the planted faults and the conformance table at one precision.
#
# Every run has a time limit, so that a kernel that never ends fails instead of hanging.
set -euo pipefail
build=$(cd "$1" && pwd)
shift
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. "$build/env"

faults=kernels/emu/faults.cu
if [ ! -e "$build/faults.fatbin" ] || [ -n "$(find $faults kernels/*.cuh -newer "$build/faults.fatbin")" ]; then
    $COMPILE $faults "$build/machine" "$build/faults.fatbin"
fi

# run tests a package on the software device.
run() { timeout 1900 go test -count=1 -timeout 1800s -tags cuda "$@"; }

# device builds one form of the software device.
device() {
    scripts/cuda-emu.sh "$1" "$build/emu/$1" "$CUDA_INCLUDE" kernels/*.cu $faults
    echo "== software device, $1"
    export CLUSIR_LIBCUDA="$build/emu/$1/libcuda.so.1"
}

# The whole network, with only the repository's golden file: the larger ones would take
# hours here.
golden='TestGolden$/testdata/small/cuda|TestGoldenPrecision'

# checked tests the checked form.
checked() (
    device checked
    if [ "${CUDA_QUICK:-0}" = 1 ]; then
        run "$@" -run 'Planted|Fair|MissingWait|Conformance/tf32' ./internal/kernels/cuda
        exit
    fi
    run "$@" ./internal/kernels/cuda
    run "$@" -run "$golden" ./internal/model
)

# The two forms are tested side by side, as either takes about one processor.
checked "$@" &
beside=$!
trap wait EXIT

device fast
CLUSIR_NVDISASM="$NVDISASM" run "$@" ./internal/kernels/cuda # with the checks of the machine code
run "$@" ./internal/device

# The network, a restoration and training, as the kit runs them on a GPU. NVIDIA's NCCL,
# which a machine may have, does not work on the software device.
scripts/gpu-kit.sh "$build" build/kit test
build/kit/run.sh devices golden-float32 golden-tf32 golden-bf16 picture training kernels throughput-tf32 \
    --out "$build/kit-report"

wait $beside
