#!/usr/bin/env bash
# Builds archives for distribution: programs with manual pages, shell completion, a bill
# of materials and the licences of all of it; their checksums; and the files for package
# managers.
#
#   scripts/release.sh VERSION OUT [PLATFORM...]
#
# linux-amd64 and linux-arm64 are static and compute on the CPU, as do windows-amd64,
# darwin-arm64 and darwin-amd64, which zig compiles (scripts/zig.sh). linux-amd64-cuda
# is dynamic, has the CUDA kernels, and computes on the CPU if there is no driver;
# linux-amd64-cuda12 is the same for drivers of CUDA 12. If a compiler of Debian's is
# missing, the error names its package. RELEASE_URL is the future address of the
# archives, for packaging/.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$1 out=$2
shift 2
platforms=("$@")
[ ${#platforms[@]} -gt 0 ] || platforms=(linux-amd64 linux-arm64 windows-amd64 darwin-arm64 darwin-amd64 linux-amd64-cuda)

# compiler PLATFORM prints a platform's C compiler, C++ compiler, and the package of the
# latter.
compiler() {
  case $1 in
    linux-amd64 | linux-amd64-cuda | linux-amd64-cuda12) echo x86_64-linux-gnu-gcc x86_64-linux-gnu-g++ g++ ;;
    linux-arm64) echo aarch64-linux-gnu-gcc aarch64-linux-gnu-g++ g++-aarch64-linux-gnu ;;
    windows-amd64 | darwin-arm64 | darwin-amd64) scripts/zig.sh "$1" ;;
    *) echo "unknown platform $1: use linux-amd64, linux-arm64, windows-amd64, darwin-arm64, darwin-amd64, linux-amd64-cuda or linux-amd64-cuda12" >&2; return 1 ;;
  esac
}

for platform in "${platforms[@]}"; do
  made=$(compiler "$platform")
  read -r _ cxx package <<<"$made"
  command -v "$cxx" >/dev/null || { echo "$platform needs $cxx: apt-get install $package" >&2; exit 1; }
done

mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# program PLATFORM FILE builds the program. Its bytes depend only on the commit: the
# build ID, which depends on the compiler's path, is left out.
program() {
  local flags="-s -w -buildid= -X main.version=$version" tags=netgo,osusergo os=${1%%-*} arch=${1#*-} made cc cxx
  made=$(compiler "$1")
  read -r cc cxx _ <<<"$made"
  if [[ $1 == *-cuda* ]]; then
    make cuda-libs CUDA_RELEASE="$([[ $1 == *12 ]] && echo 12 || echo 13)"
    . "build/${1##*-}/env"
    tags+=,cuda
    [[ $1 != *12 ]] || tags+=,cuda12
  elif [ "$os" = linux ]; then
    flags+=" -linkmode external -extldflags -static"
  fi
  CGO_ENABLED=1 GOOS=$os GOARCH=${arch%-cuda*} CC=$cc CXX=$cxx \
    go build -trimpath -tags "$tags" -ldflags "$flags" -o "$2" ./cmd/clusir
}

# documents FILE writes FILE's own documentation next to it.
documents() {
  mkdir "$work/completion"
  "$1" man "$work/man1" >/dev/null
  for shell in bash zsh fish; do
    "$1" completion "$shell" >"$work/completion/clusir.$shell"
  done
  "$1" completion powershell >"$work/completion/clusir.ps1" # it runs no script of another extension
}

program "linux-$(go env GOHOSTARCH)" "$work/clusir"
documents "$work/clusir"
archives=()
for platform in "${platforms[@]}"; do
  name=clusir-$version-$platform exe=clusir
  [[ $platform != windows-* ]] || exe=clusir.exe
  mkdir "$work/$name"
  program "$platform" "$work/$name/$exe"
  cp -r README.md LICENSE CHANGELOG.md "$work/man1" "$work/completion" "$work/$name"
  cp --parents docs/*.md docs/adr/*.md docs/images/* scripts/DATASETS.md wheel/README.md "$work/$name" # which the README links
  made=$(compiler "$platform")
  python3 scripts/release_files.py sbom "$work/$name/$exe" "$version" "$made" "$work/$name/sbom.cdx.json"
  python3 scripts/release_files.py notice "$work/$name/$exe" "$made" "$work/$name/NOTICE"
  archives+=("$(python3 scripts/release_files.py pack "$work/$name" "$out" "$(git log -1 --format=%ct)")")
done
(cd "$out" && sha256sum "${archives[@]}" | tee SHA256SUMS)
python3 scripts/release_files.py packages packaging "$out" "$version" "${RELEASE_URL:-}"
