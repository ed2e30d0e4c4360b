#!/usr/bin/env bash
# Builds archives to give away: programs with manual pages and shell completion,
# and their checksums.
#
#   scripts/release.sh VERSION OUT [PLATFORM...]
#
# linux-amd64 and linux-arm64 are static and compute on the processor;
# linux-amd64-cuda is dynamic, has the CUDA kernels, and computes on the processor
# where there is no driver; linux-amd64-cuda12 is the same for drivers of CUDA 12. A
# compiler that is absent is an error that names its Debian package.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$1 out=$2
shift 2
platforms=("$@")
[ ${#platforms[@]} -gt 0 ] || platforms=(linux-amd64 linux-arm64 linux-amd64-cuda)

# The C compiler of a platform, and the package of its C++ companion.
compiler() {
  case $1 in
    linux-amd64 | linux-amd64-cuda | linux-amd64-cuda12) echo x86_64-linux-gnu-gcc g++ ;;
    linux-arm64) echo aarch64-linux-gnu-gcc g++-aarch64-linux-gnu ;;
    *) echo "unknown platform $1: use linux-amd64, linux-arm64, linux-amd64-cuda or linux-amd64-cuda12" >&2; return 1 ;;
  esac
}

for platform in "${platforms[@]}"; do
  pair=$(compiler "$platform")
  cxx=${pair% *}
  cxx=${cxx/%gcc/g++}
  command -v "$cxx" >/dev/null || { echo "$platform needs $cxx: apt-get install ${pair#* }" >&2; exit 1; }
done

mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# program PLATFORM FILE builds the program itself.
program() {
  local flags="-s -w -X main.version=$version" tags=netgo,osusergo cc arch
  cc=$(compiler "$1")
  cc=${cc% *}
  arch=${1#linux-}
  if [[ $1 == *-cuda* ]]; then
    make cuda-libs CUDA_RELEASE="$([[ $1 == *12 ]] && echo 12 || echo 13)"
    . "build/${1##*-}/env"
    tags+=,cuda,${1##*-}
  else
    flags+=" -linkmode external -extldflags -static"
  fi
  CGO_ENABLED=1 GOOS=linux GOARCH=${arch%-cuda*} CC=$cc CXX=${cc/%gcc/g++} \
    go build -trimpath -tags "$tags" -ldflags "$flags" -o "$2" ./cmd/clusir
}

# documents FILE writes what FILE says of itself beside it.
documents() {
  mkdir "$work/completion"
  "$1" man "$work/man1" >/dev/null
  for shell in bash zsh fish powershell; do
    "$1" completion "$shell" >"$work/completion/clusir.$shell"
  done
}

host=$(go env GOHOSTARCH)
program "linux-$host" "$work/clusir"
documents "$work/clusir"
archives=()
for platform in "${platforms[@]}"; do
  name=clusir-$version-$platform
  mkdir "$work/$name"
  program "$platform" "$work/$name/clusir"
  cp -r README.md LICENSE CHANGELOG.md "$work/man1" "$work/completion" "$work/$name"
  # The same commit gives the same bytes.
  tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" \
    -cf - "$name" | gzip -n9 >"$out/$name.tar.gz"
  archives+=("$name.tar.gz")
done
(cd "$out" && sha256sum "${archives[@]}" | tee SHA256SUMS)
