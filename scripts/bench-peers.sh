#!/usr/bin/env bash
# Compares clusir with PyTorch, ONNX Runtime and OpenVINO in one run, alternating, and
# prints a table.
#
#   scripts/bench-peers.sh                     everything, 5 rounds; takes an hour
#   scripts/bench-peers.sh tiny:256 nano:256   some cases; --help lists the options
#
# pip installs PyTorch into peers/, which git ignores (5 GB if pip finds a GPU build).
# Set CLUSIR_PYTORCH to use a folder that already has torch, numpy and safetensors. The
# other two are installed there as well; set CLUSIR_RUNTIMES to use a folder that has
# onnx, onnxruntime and openvino. The reference network is imported from
# $CLUSIR_SHARED/reference, by default ../shared/reference.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
reference=${CLUSIR_SHARED:-$root/../shared}/reference
torch=${CLUSIR_PYTORCH:-$root/peers/torch}
runtimes=${CLUSIR_RUNTIMES:-$root/peers/runtimes}
work=$root/build/bench-peers

[ -f "$reference/clusir_ref.py" ] || {
  echo "there is no $reference/clusir_ref.py: set CLUSIR_SHARED to the folder that holds reference/" >&2
  exit 1
}
if ! PYTHONPATH=$torch python3 -c 'import numpy, safetensors.torch, torch' 2>/dev/null; then
  [ -z "${CLUSIR_PYTORCH:-}" ] || { echo "CLUSIR_PYTORCH=$torch cannot be imported: unset it to have PyTorch installed" >&2; exit 1; }
  python3 -m pip install --quiet --upgrade --target "$torch" torch numpy safetensors
fi
if ! PYTHONPATH=$runtimes python3 -c 'import numpy, onnx, onnxruntime, openvino' 2>/dev/null; then
  [ -z "${CLUSIR_RUNTIMES:-}" ] || { echo "CLUSIR_RUNTIMES=$runtimes cannot be imported: unset it to have the runtimes installed" >&2; exit 1; }
  python3 -m pip install --quiet --upgrade --target "$runtimes" numpy onnx onnxruntime openvino
fi

mkdir -p "$work"
version=$(git -C "$root" describe --tags --always --dirty 2>/dev/null || echo unknown)
(cd "$root" && go build -ldflags "-X main.version=$version" -o "$work/clusir" ./cmd/clusir)
# Compiled kernels are kept, so that only the first run waits for inductor.
export TORCHINDUCTOR_CACHE_DIR=$root/peers/inductor
exec python3 "$root/scripts/bench_peers.py" --clusir "$work/clusir" --work "$work" \
  --peer "env PYTHONPATH=$torch:$reference:$runtimes python3 $root/scripts/bench_peers_torch.py" \
  --exported "env PYTHONPATH=$runtimes python3 $root/scripts/bench_peers_exported.py" \
  --out "$root/build/bench-peers.json" "$@"
