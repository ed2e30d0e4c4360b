#!/usr/bin/env bash
# Checks and measures the CUDA backend on the GPU of this machine: makes the kit
# and starts it. What it takes is that of scripts/kit/run.sh:
#
#   scripts/gpu-check.sh            correctness and speed
#   scripts/gpu-check.sh a          correctness alone; run.sh --list shows the steps
#
# CUDA_VISIBLE_DEVICES chooses another GPU than the first.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v nvidia-smi >/dev/null || { echo "gpu-check: there is no nvidia-smi: install NVIDIA's driver first" >&2; exit 1; }
unset CLUSIR_LIBCUDA # the software device is not what is to be checked
make build/kit
exec build/kit/run.sh "$@"
