#!/usr/bin/env bash
# Makes C and C++ compilers for a platform from zig's clang, and prints their paths and
# zig's version:
#
#   scripts/zig.sh windows-amd64
#
# Zig has the headers and libraries of all platforms; pip installs it once, into
# third_party/zig.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly zig=0.17.1
case ${1:?} in
  windows-amd64) target=x86_64-windows-gnu ;;
  darwin-arm64) target=aarch64-macos.12.0-none ;; # the oldest that Go 1.26 supports
  darwin-amd64) target=x86_64-macos.12.0-none ;;
  *) echo "zig.sh: unknown platform $1" >&2; exit 1 ;;
esac

home=$PWD/third_party/zig
if [ ! -x "$home/$zig/bin/python" ]; then
  python3 -m venv "$home/$zig.part" >&2
  "$home/$zig.part/bin/python" -m pip install -q "ziglang==$zig" >&2
  rm -rf "${home:?}/$zig"
  mv "$home/$zig.part" "$home/$zig"
fi
binary=$(echo "$home/$zig"/lib/python*/site-packages/ziglang/zig)
folder=$home/$1
mkdir -p "$folder/frameworks" "$folder/lib" "$folder/include/mach"

# stub FILE LIBRARY writes a text stub of a macOS library, with the functions that Go's
# packages import from it.
stub() {
  local symbols
  symbols=$(grep -rhoE "cgo_import_dynamic [^ ]+ [^ ]+ \"$2" --include='*.go' "$(go env GOROOT)/src" |
    awk '{printf "%s_%s", sep, $3; sep = ", "}')
  [ -n "$symbols" ] || { echo "zig.sh: Go imports nothing from $2" >&2; exit 1; }
  mkdir -p "$(dirname "$1")"
  printf -- '--- !tapi-tbd\ntbd-version: 4\ntargets: [ x86_64-macos, arm64-macos ]\ninstall-name: %s\nexports:\n  - targets: [ x86_64-macos, arm64-macos ]\n    symbols: [ %s ]\n...\n' \
    "$2" "$symbols" >"$1"
}

# Zig has neither Apple's frameworks nor its resolver library. The few functions that Go
# imports from them by name exist on every Mac.
if [[ $1 == darwin-* ]]; then
  for name in CoreFoundation Security; do
    stub "$folder/frameworks/$name.framework/$name.tbd" "/System/Library/Frameworks/$name.framework/Versions/A/$name"
  done
  stub "$folder/lib/libresolv.tbd" /usr/lib/libresolv.9.dylib
  # It lacks this header too; a Prometheus client needs one function of it.
  cat >"$folder/include/mach/mach_vm.h" <<'C'
#pragma once
#include <mach/mach_types.h>
kern_return_t mach_vm_region(vm_map_t, mach_vm_address_t*, mach_vm_size_t*, vm_region_flavor_t, vm_region_info_t, mach_msg_type_number_t*, mach_port_t*);
C
fi

for tool in cc c++; do
  # Go probes a compiler's features with "-o -", which zig takes for a file, and the
  # commands it runs with "-###", for which zig leaves a file "-.o" in the folder. With
  # "-g" programs for Windows name a file of symbols with a hash that differs each time.
  cat >"$folder/$tool.part" <<EOF
#!/bin/sh
[ "\${1:-}" != "-###" ] || cd "$folder"
before=
for a; do
  shift
  [ "\$before \$a" != "-o -" ] || a=/dev/null
  [ "\$a" != -g ] || a=-g0
  set -- "\$@" "\$a"
  before=\$a
done
exec "$binary" $tool -target $target -F"$folder/frameworks" -L"$folder/lib" -isystem "$folder/include" "\$@"
EOF
  chmod +x "$folder/$tool.part"
  mv "$folder/$tool.part" "$folder/$tool" # another build may be running it
done
echo "$folder/cc $folder/c++ zig-$zig"
