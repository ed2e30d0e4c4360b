#!/usr/bin/env bash
# Builds the software device (kernels/emu): the kernels and the driver API in one
# libcuda.so.1, for machines without a GPU.
#
# usage: cuda-emu.sh fast|checked FOLDER CUDA_INCLUDE KERNEL.cu...
#
# fast:    optimised; faults at page granularity
# checked: checks the bounds of every access of a kernel, and looks for races
#
# Objects are kept in FOLDER and rebuilt only if their source is newer.
set -euo pipefail
mode=$1 out=$2 include=$3
shift 3
root=$(cd "$(dirname "$0")/.." && pwd)
emu=$root/kernels/emu
cxx=${CXX:-g++}
mkdir -p "$out"

# gnu2: thread_local, which stands for __shared__, costs one call less.
common="-std=c++20 -fPIC -mtls-dialect=gnu2 -march=x86-64-v3 -g1 -Wall -Wextra -Werror -I$include"
kernel="-x c++ -include $emu/emu.h -I$root/kernels -Wno-unknown-pragmas -Wno-unused-parameter"
case $mode in
fast)
    kernel="-O3 -ffp-contract=fast $kernel"
    ;;
checked)
    common="$common -DEMU_CHECKED"
    # Without points-to analysis every access counts as visible to other threads; without
    # scalar replacement a float4 is read as a whole, so that its alignment is checked.
    kernel="-O1 -fno-tree-pta -fno-tree-sra -fno-ipa-sra -fsanitize=thread -fsanitize=bounds --param=tsan-instrument-func-entry-exit=0 $kernel"
    ;;
*) echo "usage: $0 fast|checked FOLDER CUDA_INCLUDE KERNEL.cu..." >&2; exit 2 ;;
esac

# stale OBJECT SOURCE: whether SOURCE or any header is newer.
stale() {
    [ ! -e "$1" ] || [ -n "$(find "$2" "$0" "$emu" "$root/kernels" -maxdepth 1 -newer "$1" \
        \( -path "$2" -o -path "$0" -o -name '*.h' -o -name '*.cuh' \) | head -n 1)" ]
}

# register SOURCE prints an EMU_REGISTER line for each kernel. It reads the preprocessed
# text, which includes kernels made by macros and still has their __launch_bounds__.
register() {
    $cxx $common $kernel -DEMU_SCAN -E -P "$1" | tr '\n' ' ' |
        grep -oE 'extern "C" *__global__ *void *(__launch_bounds__ *\([^()]*\))? *[A-Za-z_0-9]+ *\(' |
        sed -E 's/.*void *(__launch_bounds__ *\( *([^(),]*)[^()]*\))? *([A-Za-z_0-9]+) *\($/EMU_REGISTER(\3, (\2)+0);/; s/\(\)\+0/1024/'
}

# compile runs as many compilers at once as there are processors.
pids=()
compile() {
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done # its exit code is checked below
    $cxx "$@" &
    pids+=($!)
}

objects=
for source in "$emu"/*.cpp; do
    object=$out/$(basename "$source" .cpp).o
    objects="$objects $object"
    [ "$(basename "$source")" = check.cpp ] && [ "$mode" = fast ] && source=/dev/null
    stale "$object" "$source" || continue
    compile $common -O3 -x c++ -c "$source" -o "$object"
done
for source in "$@"; do
    name=$(basename "$source" .cu)
    object=$out/kernel_$name.o
    objects="$objects $object"
    stale "$object" "$source" || continue
    { echo "#include \"$(realpath "$source")\""; register "$source"; } >"$out/kernel_$name.cpp"
    compile $common $kernel -c "$out/kernel_$name.cpp" -o "$object"
done
for pid in "${pids[@]}"; do wait "$pid"; done
$cxx -shared -Wl,-soname,libcuda.so.1 -Wl,-z,defs -o "$out/libcuda.so.1.tmp" $objects -lpthread -ldl
mv "$out/libcuda.so.1.tmp" "$out/libcuda.so.1"
