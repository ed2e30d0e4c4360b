#!/usr/bin/env bash
# Checks and measures the CUDA backend on a real GPU, in one go:
#
#   scripts/gpu-check.sh [DEVICE]       DEVICE is its number, 0 if left out
#
# It builds the binary, holds the device to the conformance table at all three
# precisions, to the golden vectors and to the picture that the processor restores,
# looks for faults with compute-sanitizer, times every kernel of a training step
# beside its floor on this GPU's memory and arithmetic (as docs/roofline.md has it
# for an A100), and the whole beside PyTorch where that is installed. What it prints is also in build/gpu-check.txt.
# A step that fails does not stop the others; the exit code is then 1.
set -uo pipefail
cd "$(dirname "$0")/.."
device=${1:-0}
report=build/gpu-check.txt
mkdir -p build
exec > >(tee "$report") 2>&1

command -v nvidia-smi >/dev/null || { echo "gpu-check: there is no nvidia-smi: install NVIDIA's driver first" >&2; exit 1; }
unset CLUSIR_LIBCUDA # the software device is not what is to be checked
export CUDA_VISIBLE_DEVICES=$device CI=true # under CI, a test without its device fails

failed=()
# step TITLE COMMAND... runs a step, and goes on if it fails.
step() {
  printf '\n== %s\n' "$1"
  shift
  "$@" || { failed+=("$*"); echo "gpu-check: failed: $*"; }
}

# with_cuda runs a command with what the build needs in its environment.
with_cuda() { (. build/cuda/env && "$@"); }

# cuda_test PACKAGE REGEXP [FLAGS...] runs tests on the GPU.
cuda_test() {
  local package=$1 pattern=$2
  shift 2
  with_cuda timeout 1800 go test -tags cuda -count=1 -timeout 1700s -run "$pattern" "$@" "$package"
}

# sanitize looks for faults in one run over all operations, and for races in
# shared memory in a second.
sanitize() {
  command -v compute-sanitizer >/dev/null || { echo "compute-sanitizer is not on the PATH: left out; it comes with the CUDA toolkit"; return; }
  with_cuda go test -tags cuda -c -o build/cuda/conformance.test ./internal/kernels/cuda || return
  for tool in memcheck racecheck synccheck; do
    (cd internal/kernels/cuda && timeout 1800 compute-sanitizer --tool "$tool" --error-exitcode 9 \
      ../../../build/cuda/conformance.test -test.run 'TestConformance/tf32') || return
  done
}

# throughput times training steps and restoration at each precision.
throughput() {
  for precision in float32 tf32 bf16; do
    bin/clusir bench --device cuda --precision "$precision" --model base --size 128 --train 12 --peak=false || return
    bin/clusir bench --device cuda --precision "$precision" --model base --size 256 --peak=false || return
  done
}

# pytorch times the reference network on the same card, if it is there.
pytorch() {
  local reference=${CLUSIR_SHARED:-../shared}/reference folder=build/gpu-check
  export PYTHONPATH=$reference:${PYTHONPATH:-}
  if ! python3 -c 'import clusir_ref, safetensors.torch, torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    echo "no PyTorch with CUDA, or no reference network in $reference: left out"
    return
  fi
  python3 scripts/bench_peers_torch.py prepare base "$folder" scripts/peers-nano.json || return
  for shape in "--size 128 --train 12" "--size 256"; do
    echo "eager $shape"
    # shellcheck disable=SC2086 # two words
    yes '' | head -n 10 | python3 scripts/bench_peers_torch.py serve "$folder" eager $shape --threads 8 --device cuda || return
  done
}

date -u +%FT%TZ
git describe --tags --always --dirty
nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv
step "build" make cuda
step "devices" bin/clusir bench --devices
step "conformance" cuda_test ./internal/kernels/cuda '^Test(Conformance|Conv1x1Precision|Conv3x3Precision|Product|LongFFT|LayerNorm|LargeTransfers|StreamsAndEvents|MACs|OutOfMemory)'
step "golden vectors" cuda_test ./internal/model 'TestGolden(Precision)?$' -v
step "a restored picture" cuda_test ./cmd/clusir TestRestoreOnCUDA
step "sanitizer" sanitize
step "kernels beside their floors" cuda_test ./internal/kernels/cuda TestKernelTimes -v
step "throughput" throughput
step "PyTorch" pytorch

printf '\n'
if [ ${#failed[@]} -gt 0 ]; then
  printf 'gpu-check: failed: %s\n' "${failed[@]}"
  exit 1
fi
echo "gpu-check: all passed; the report is $report"
