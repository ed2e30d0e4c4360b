#!/bin/sh
# Finds what `make cuda` needs, downloading what is missing, and prints it as shell
# assignments:
#
#   COMPILE            compiles a file of kernels; arguments are KERNEL.cu KEEP OUT
#   NVDISASM           the disassembler of device code
#   CUDA_RELEASE       the compiler's release, e.g. 13.0
#   CUDA_INCLUDE       headers of CUDA 12 for gorgonia.org/cu
#   CGO_CFLAGS CGO_LDFLAGS  for the Go build: those headers, and our libcuda.a
#
# If there is a toolkit on the PATH (nvcc of release 12 or later), it is used. Otherwise
# pinned wheels are installed below third_party/cuda, which git ignores: 280 MB, of
# which only compiled kernels enter the binary. With CUDA_RELEASE=12 in the environment
# the kernels are for drivers of CUDA 12 and later; the run-time compiler of 12.9 makes
# them, since the wheels of CUDA 12 have no nvcc.
# The compiler and the headers differ in release because gorgonia.org/cu v0.9.6
# builds with CUDA 12's cuda.h and not with 13's.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
dest=$root/third_party/cuda

fail() { echo "cuda-toolkit: $*" >&2; exit 1; }

# wheels DIR NAME==VERSION... installs wheels into DIR once. DIR.tmp becomes DIR at the
# end, so that an interrupted download leaves nothing that looks complete.
wheels() {
    [ -d "$1" ] && return
    python3 -m pip --version >/dev/null 2>&1 ||
        fail "no nvcc on the PATH, and no python3 with pip to fetch one; install either"
    echo "cuda-toolkit: downloading $(basename "$1") into third_party/cuda" >&2
    rm -rf "$1.tmp"
    target=$1
    shift
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-deps --target "$target.tmp" "$@" >&2 ||
        fail "cannot fetch $*; connect, or put a CUDA toolkit's bin folder on the PATH"
    mv "$target.tmp" "$target"
}

release() { "$1" --version | sed -n 's/.*release \([0-9][0-9.]*\).*/\1/p'; }

include=
if [ "${CUDA_RELEASE:-13}" = 12 ]; then
    wheels "$dest/nvrtc12" nvidia-cuda-nvrtc-cu12==12.9.86
    CUDA_RELEASE=12.9
    COMPILE="$root/build/cuda12/cuda-nvrtc $dest/nvrtc12/nvidia/cuda_nvrtc/lib/libnvrtc.so.12"
    mkdir -p "$root/build/cuda12"
    ${CXX:-g++} -std=c++17 -O1 -Wall -Wextra -o "${COMPILE%% *}" "$root/scripts/cuda-nvrtc.cc" -ldl
elif NVCC=$(command -v nvcc); then
    CUDA_RELEASE=$(release "$NVCC")
    [ "${CUDA_RELEASE%%.*}" -ge 12 ] ||
        fail "$NVCC is release $CUDA_RELEASE; put release 12 or later on the PATH, or none, and pinned wheels are fetched"
    include=$(cd "$(dirname "$NVCC")/../include" && pwd)
else
    wheels "$dest/compiler" nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 \
        nvidia-nvvm==13.0.88 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85
    NVCC=$dest/compiler/nvidia/cu13/bin/nvcc
    CUDA_RELEASE=$(release "$NVCC")
fi
: "${COMPILE:=$root/scripts/cuda-compile.sh $NVCC}"

if ! NVDISASM=$(command -v nvdisasm); then
    wheels "$dest/nvdisasm" nvidia-cuda-nvdisasm==13.2.78
    NVDISASM=$dest/nvdisasm/nvidia/cu13/bin/nvdisasm
fi

CUDA_INCLUDE=$include
if ! grep -qs '^#define CUDA_VERSION 12' "$include/cuda.h"; then
    wheels "$dest/headers" nvidia-cuda-runtime-cu12==12.9.79
    CUDA_INCLUDE=$dest/headers/nvidia/cuda_runtime/include
fi

cat <<END
COMPILE='$COMPILE'
NVDISASM='$NVDISASM'
CUDA_RELEASE='$CUDA_RELEASE'
CUDA_INCLUDE='$CUDA_INCLUDE'
export CGO_CFLAGS='-O2 -g -I$CUDA_INCLUDE'
export CGO_LDFLAGS='-O2 -g -L$root/build/cuda/lib'
END
