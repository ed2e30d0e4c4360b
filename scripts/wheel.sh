#!/usr/bin/env bash
# Makes a Python wheel from each archive that scripts/release.sh built:
#
#   scripts/wheel.sh VERSION ARCHIVES OUT
#
# The one for this machine is installed in a fresh virtual environment and must pass its
# tests there.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$1 archives=$2 out=$3
mkdir -p "$out"
out=$(cd "$out" && pwd)
rm -f "$out"/clusir-*.whl # of other versions
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# environment FOLDER PACKAGE... makes a virtual environment with packages.
environment() {
  python3 -m venv --without-pip "$1"
  python3 -m pip --python "$1/bin/python" install -q "${@:2}"
}

tools=$PWD/third_party/wheel
[ -x "$tools/bin/hatchling" ] || environment "$tools" 'hatchling>=1.27,<2'

# v1.2.3-4-gabc, four commits after 1.2.3, is 1.2.3.post4+gabc in Python; without a tag
# the version is 0.dev0.
if [[ $version =~ ^v?([0-9]+(\.[0-9]+)+)(-([0-9]+)-(g[0-9a-f]+))?(-dirty)?$ ]]; then
  python_version=${BASH_REMATCH[1]}${BASH_REMATCH[4]:+.post${BASH_REMATCH[4]}+${BASH_REMATCH[5]}}
else
  python_version=0.dev0
fi

found=0
for archive in "$archives/clusir-$version"-*; do
  platform=${archive##*/clusir-"$version"-}
  case $platform in
    linux-amd64.tar.gz) tag=manylinux_2_17_x86_64.manylinux2014_x86_64.musllinux_1_1_x86_64 ;;
    linux-arm64.tar.gz) tag=manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64 ;;
    windows-amd64.zip) tag=win_amd64 ;;
    darwin-arm64.tar.gz) tag=macosx_12_0_arm64 ;;
    darwin-amd64.tar.gz) tag=macosx_12_0_x86_64 ;;
    *) continue ;; # the CUDA build needs more system libraries than a wheel may
  esac
  mkdir "$work/$platform"
  case $archive in
    *.zip) python3 -m zipfile -e "$archive" "$work/$platform" ;;
    *) tar -xzf "$archive" -C "$work/$platform" ;;
  esac
  unpacked=$(echo "$work/$platform/clusir-"*) program=$(echo "$unpacked"/clusir*)
  cp -r wheel "$work/$platform/wheel"
  cp "$unpacked"/{LICENSE,NOTICE} "$work/$platform/wheel"
  (cd "$work/$platform/wheel" && CLUSIR_WHEEL_VERSION=$python_version CLUSIR_WHEEL_BINARY=$program CLUSIR_WHEEL_PLATFORM=$tag \
    "$tools/bin/hatchling" build -t wheel -d "$out" >&2)
  found=$((found + 1))
done
[ $found -gt 0 ] || { echo "$archives has no archive of clusir $version for a wheel: make release" >&2; exit 1; }

system=manylinux
[ "$(uname)" != Darwin ] || system=macosx
here=("$out/clusir-$python_version-"*"-$system"*"_$(uname -m).whl")
if [ -e "${here[0]}" ]; then
  environment "$work/venv" "${here[0]}"
  ls "$work"/venv/lib/python*/site-packages/clusir-*/licenses/{LICENSE,NOTICE} >/dev/null
  (cd wheel/tests && env -u CLUSIR_PROGRAM PATH="$work/venv/bin:$PATH" python -m unittest -q && "$work/venv/bin/clusir" --version)
fi
