#!/usr/bin/env bash
# Makes build/kit: all that is needed to test and measure clusir on a machine with only
# an NVIDIA driver and Python. `make gpu-kit` calls it and packs the kit into one file.
# The larger golden vectors and the reference network come from $CLUSIR_SHARED, by
# default ../shared, and some training pictures from $CLUSIR_DATA; missing ones are left
# out.
#
# usage: gpu-kit.sh build/cuda build/kit VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1 kit=$2 version=$3
shared=${CLUSIR_SHARED:-../shared}
data=${CLUSIR_DATA:-$shared/data}
. "$build/env"
tags=cuda
[[ $CUDA_RELEASE != 12* ]] || tags=cuda,cuda12

rm -rf "$kit"
mkdir -p "$kit/bin" "$kit/golden" "$kit/shared/reference" "$kit/data/Train/Denoise"
echo "$version" >"$kit/VERSION"
go build -tags $tags -ldflags "-s -w -X main.version=$version" -o "$kit/bin/clusir" ./cmd/clusir
for package in internal/kernels/cuda internal/model cmd/clusir; do
  go test -c -tags $tags -ldflags '-s -w' -o "$kit/bin/$(basename $package).test" "./$package"
done

# Files that tests look for below the root of the repository.
mkdir -p "$kit/src"
cp --parents go.mod docs/roofline.md kernels/*.cu kernels/*.cuh testdata/images/* internal/model/testdata/* "$kit/src"
mkdir -p "$kit/src/internal/kernels/cuda" "$kit/src/cmd/clusir"
cp scripts/kit/* "$kit"

for file in "$shared/golden/full.safetensors" "$shared/golden/small.safetensors"; do
  [ ! -f "$file" ] || cp "$file" "$kit/golden"
done
for file in clusir_ref.py losses.py; do
  [ ! -f "$shared/reference/$file" ] || cp "$shared/reference/$file" "$kit/shared/reference"
done
rmdir --ignore-fail-on-non-empty "$kit/shared/reference" # a step checks whether it exists

# Some photographs, or else the sample pictures.
if [ -d "$data/Train/Denoise" ]; then
  find "$data/Train/Denoise" -type f | sort | awk 'NR % 20 == 1' | head -n 20 | xargs cp -t "$kit/data/Train/Denoise"
else
  cp testdata/images/{astronaut,chelsea,coffee}.png "$kit/data/Train/Denoise"
fi
