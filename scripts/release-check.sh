#!/usr/bin/env bash
# Tests the archives that `make release` built as a user would:
#
#   scripts/release-check.sh build/release
#
# Those for Linux run here, arm64 under qemu-user-static, and the one for Windows runs
# under Wine. Those for macOS cannot run here; scripts/mach_o.py reads them. Finally, the
# same commit built in two folders must give the same bytes.
set -euo pipefail
shopt -s nullglob # there may be no archive of a kind
cd "$(dirname "$0")/.."
here=$PWD out=$(cd "$1" && pwd) pictures=$PWD/testdata/images
(cd "$out" && sha256sum --quiet -c SHA256SUMS)
work=$(mktemp -d)
mkdir "$work/tmp"
export LC_ALL=C.UTF-8 TMPDIR=$work/tmp WINEPREFIX=$work/wine WINEDEBUG=-all
trap 'wineserver -k 2>/dev/null || true; rm -rf "$work"' EXIT

fail() { echo "release-check: $*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || fail "$1 is needed: apt-get install $2"; }

# refused CODE TEXT COMMAND... runs a command that must exit with CODE and print TEXT.
refused() {
  local code=$1 text=$2 said got=0
  shift 2
  said=$("$@" 2>&1 </dev/null) || got=$?
  [ $got = "$code" ] || fail "$* ends with $got, and not $code: $said"
  [[ $said == *"$text"* ]] || fail "$* says $said, and not $text"
}

# near A B fails if two pictures differ by more than one level, which is the difference
# between compilers.
near() {
  python3 - "$@" <<'PYTHON' || fail "$1 is not as $2"
import sys
from PIL import Image, ImageChops
a, b = (Image.open(name) for name in sys.argv[1:])
sys.exit(a.size != b.size or a.mode != b.mode or max(high for _, high in ImageChops.difference(a, b).getextrema()) > 1)
PYTHON
}

# restores COMMAND... restores, replaces and refuses in its own folder.
restores() {
  "$@" version
  "$@" restore small.png out.png --isa portable
  near out.png expected.png
  refused 1 exists "$@" restore small.png out.png
  refused 1 "no such file" "$@" restore absent.png absent-out.png
  refused 2 "no flag --nonsense" "$@" restore small.png --nonsense
  cp small.png out.png
  "$@" restore small.png out.png --overwrite
  near out.png expected.png
  mkdir -p "Fotos für Ömer/漢字"
  cp small.png "Fotos für Ömer/漢字/Köln 😀.png"
  "$@" restore "Fotos für Ömer" restored
  near "restored/漢字/Köln 😀.png" expected.png
  local long
  long=$(printf 'long-%.0s' {1..40})
  mkdir -p "$long/$long"
  cp small.png "$long/$long/in.png"
  "$@" restore "$long/$long/in.png" "$long/$long/out.png"
  near "$long/$long/out.png" expected.png
  # A list in UTF-16 with a byte order mark and CRLF, as PowerShell writes it.
  mkdir clean
  cp small.png clean
  printf '\xef\xbb\xbfx: {title: X, task: denoise, clean: ".", sigmas: [25]}\r\n' | iconv -f UTF-8 -t UTF-16LE >list.txt
  "$@" degrade --benchmark x --benchmark-file list.txt --data clean --out inputs >/dev/null
  "$@" eval --benchmark x --benchmark-file list.txt --data clean --restored inputs >/dev/null
  [ -z "$(find . -name '.clusir-*')" ] || fail "$*: temporary files are left"
}

# interrupted COMMAND... stops a program, which must leave no partial files and resume.
interrupted() {
  local pid code=0
  mkdir many
  for i in $(seq 30); do cp "$pictures/chelsea-noisy.png" "many/$i.png"; done
  "$@" restore many stopped --threads 1 >stopped.log 2>&1 &
  pid=$!
  until [ -e stopped/1.png ]; do kill -0 "$pid" || fail "$*: $(cat stopped.log)"; sleep 0.1; done
  kill -INT "$pid"
  wait "$pid" || code=$?
  [ $code = 130 ] || fail "$* ends with $code when it is interrupted: $(cat stopped.log)"
  python3 -c 'import sys; from PIL import Image; [Image.open(f).load() for f in sys.argv[1:]]' stopped/*.png || fail "$*: half a picture is left"
  [ -z "$(find stopped -name '.clusir-*')" ] || fail "$*: temporary files are left"
  rm many/[12]?.png
  "$@" restore many stopped --skip-existing --threads 1
  [ -s stopped/9.png ] || fail "$*: does not go on"
}

# serves COMMAND... restores over HTTP, and is killed while it receives a picture, which
# must leave nothing in the folder for temporary files.
serves() {
  local pid url code=0
  "$@" serve --addr 127.0.0.1:0 --threads 1 >served.log 2>&1 &
  pid=$!
  until grep -qs http:// served.log; do kill -0 "$pid" || fail "$*: $(cat served.log)"; sleep 0.1; done
  url=$(grep -o 'http://[0-9.:]*' served.log)
  curl -sf --data-binary @small.png -H 'Content-Type: image/png' "$url/v1/restore?format=png" -o served.png || fail "$*: $(cat served.log)"
  near served.png expected.png
  curl -s --limit-rate 10k --data-binary "@$pictures/chelsea-noisy.png" -H 'Content-Type: image/png' "$url/v1/restore" -o /dev/null &
  sleep 2
  kill -KILL "$pid"
  wait "$pid" || code=$?
  sleep 1
  [ -z "$(find "$work" -name '.clusir-*')" ] || fail "$*: serve leaves $(find "$work" -name '.clusir-*')"
}

# try NAME COMMAND... runs all of these.
try() {
  local name=$1 folder=$work/$1.try
  shift
  mkdir "$folder"
  cd "$folder"
  cp "$work"/{small,expected}.png .
  restores "$@"
  if [ "$name" != linux-arm64 ]; then # qemu takes a minute where others take a second
    interrupted "$@"
    serves "$@"
  fi
  cd "$here"
  echo "release-check: $name ok"
}

# reproduced PLATFORM builds the last commit twice, in two folders, the second time
# without any cache. The archives must be equal.
reproduced() {
  local folder
  for folder in one another/folder; do
    git clone -q --shared . "$work/twice/$folder"
  done
  "$work/twice/one/scripts/release.sh" twice "$work/twice/a" "$1" >/dev/null
  GOCACHE=$work/twice/cache "$work/twice/another/folder/scripts/release.sh" twice "$work/twice/b" "$1" >/dev/null
  cmp "$work/twice/a/SHA256SUMS" "$work/twice/b/SHA256SUMS" || fail "$1: two builds of one commit differ"
  rm -rf "$work/twice"
  echo "release-check: two builds of $1 are equal"
}

need python3 "python3 python3-pil"
need curl curl
host=linux-$(go env GOHOSTARCH)
for archive in "$out"/clusir-*.tar.gz "$out"/clusir-*.zip; do
  case $archive in
    *.zip) python3 -m zipfile -e "$archive" "$work" ;;
    *) tar -xzf "$archive" -C "$work" ;;
  esac
  unpacked=$work/$(basename "${archive%.zip}" .tar.gz)
  for file in docs/restore.md man1/clusir.1 completion/clusir.ps1 sbom.cdx.json LICENSE NOTICE; do
    [ -s "$unpacked/$file" ] || fail "$archive lacks $file"
  done
done

linux=$(echo "$work"/clusir-*-"$host"/clusir)
[ -x "$linux" ] || fail "$out has no archive of $host: make release"
python3 -c 'import sys; from PIL import Image; Image.open(sys.argv[1]).crop((0, 0, 64, 48)).save(sys.argv[2])' "$pictures/chelsea-noisy.png" "$work/small.png"
"$linux" restore "$work/small.png" "$work/expected.png"

for folder in "$work"/clusir-*; do
  platform=${folder##*/clusir-} platform=$(grep -oE '(linux|windows|darwin)-[a-z0-9-]+$' <<<"$platform")
  case $platform in
    "$host" | linux-amd64-cuda*) try "$platform" "$folder/clusir" ;;
    linux-arm64) need qemu-aarch64-static qemu-user-static; try "$platform" qemu-aarch64-static "$folder/clusir" ;;
    windows-amd64)
      need wine "wine wine64"
      scripts/wine.sh
      ! grep -aq 'a\.out\.pdb' "$folder/clusir.exe" || fail "clusir.exe names a file of symbols, with a hash that differs from build to build"
      try "$platform" wine "$folder/clusir.exe"
      refused 1 "device on Windows" wine "$folder/clusir.exe" restore "$work/small.png" "$work/nul.png"
      refused 1 "cannot hold" wine "$folder/clusir.exe" restore "$work/small.png" "$work/a:b.png"
      (cd "$work" && wine "$folder/clusir.exe" restore small.png 'back\slash\out.png' && near back/slash/out.png expected.png)
      ;;
    darwin-*)
      python3 scripts/mach_o.py "$folder/clusir" "${platform#*-}" || fail "no Mac would start $platform"
      echo "release-check: $platform is as macOS requires; it was not run"
      ;;
    *) fail "$folder is not tried: say how in this script" ;;
  esac
done
reproduced "$host"
