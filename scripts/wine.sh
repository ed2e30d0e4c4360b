#!/usr/bin/env bash
# Prepares the Wine folder WINEPREFIX for Go programs: they get random numbers from a
# library that Wine has only since version 9.
set -euo pipefail
cd "$(dirname "$0")/.."

wineboot -i >/dev/null 2>&1
system=$WINEPREFIX/drive_c/windows/system32
if [ ! -e "$system/bcryptprimitives.dll" ]; then
  read -r cc _ <<<"$(scripts/zig.sh windows-amd64)"
  "$cc" -shared -nostdlib -O2 -x c - -o "$system/bcryptprimitives.dll" -ladvapi32 <<'C'
__declspec(dllimport) unsigned char SystemFunction036(void*, unsigned long);
__declspec(dllexport) int ProcessPrng(void* p, unsigned long long n) { return SystemFunction036(p, (unsigned long)n); }
int DllMainCRTStartup(void* dll, unsigned long why, void* reserved) { return 1; }
C
fi
