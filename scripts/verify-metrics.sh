#!/usr/bin/env bash
# Compares internal/metrics with scikit-image on your own pictures.
#
#   scripts/verify-metrics.sh                   testdata/images, each against a noisy copy
#   scripts/verify-metrics.sh CLEAN             a folder, each against a noisy copy
#   scripts/verify-metrics.sh RESTORED CLEAN    two folders with the same file names
#
# scikit-image is installed in build/, which git ignores; nothing else changes.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
libs=$root/build/scikit-image
vectors=$root/build/metrics-vectors

folders=("$@")
[ ${#folders[@]} -gt 0 ] || folders=("$root/testdata/images")

if [ ! -d "$libs/skimage" ]; then
  python3 -m pip install --quiet --target "$libs" scikit-image pillow
fi
rm -rf "$vectors"
PYTHONPATH=$libs python3 "$root/scripts/metrics_vectors.py" "$vectors" "${folders[@]}"
cd "$root"
CLUSIR_METRICS_VECTORS=$vectors go test ./internal/metrics -count=1 -v -run 'TestScikitImage'
