#!/usr/bin/env bash
# Checks and measures the CUDA backend on this machine's GPU: makes the kit and runs it.
# Arguments are those of scripts/kit/run.sh:
#
#   scripts/gpu-check.sh            correctness and speed
#   scripts/gpu-check.sh a          correctness only; run.sh --list shows the steps
#
# CUDA_VISIBLE_DEVICES selects a GPU other than the first.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v nvidia-smi >/dev/null || { echo "gpu-check: there is no nvidia-smi: install NVIDIA's driver first" >&2; exit 1; }
unset CLUSIR_LIBCUDA # this is not for the software device
make build/kit
exec build/kit/run.sh "$@"
