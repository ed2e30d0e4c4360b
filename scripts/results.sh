#!/usr/bin/env bash
# Remakes the pictures of docs/results with the embedded model: `make results`. Those
# with photographs show the public-domain ones of testdata/images. The others use up to
# $SAMPLES photographs of CBSD68 from $CLUSIR_SHARED/data.
set -euo pipefail
cd "$(dirname "$0")/.."

out=docs/results
work=build/results
shared=${CLUSIR_SHARED:-../shared}
common=(--benchmark-file "$out/benchmarks.yaml")

rm -rf "$work"
mkdir -p "$work/photos"
cp testdata/images/{astronaut,chelsea,coffee}.png testdata/images/rocket.jpg "$work/photos"

bin/clusir figure prototypes --out "$work"
bin/clusir figure frequency crops "${common[@]}" --benchmark photos --data "$work" --out "$work"
bin/clusir figure affinity "${common[@]}" --benchmark photos-rain --data "$work" --out "$work"
bin/clusir figure tsne experts "${common[@]}" --benchmark bsd --data "$shared/data" --samples "${SAMPLES:-20}" --out "$work"
bin/clusir eval "${common[@]}" --benchmark photos --data "$work" --report "$work/report.html" >"$work/table.txt"

# Screenshots of the page: desktop, phone, dark mode. The last two stay in
# build/results.
CLUSIR_REQUIRE_SHARED=1 CLUSIR_REPORT="$PWD/$work/report.html" CLUSIR_SCREENSHOTS="$PWD/$work" \
  go test ./internal/report -run TestOnAPhoneAndInTheDark -count=1

for name in frequency crops affinity-photos-rain; do
  cp "$work/$name.png" "$out/$name.png"
done
for name in prototypes tsne experts; do # these have no photographs: lines stay sharp
  cp "$work/$name.svg" "$out/$name.svg"
done
cp "$work/desktop.png" "$out/report.png"
cat "$work/table.txt"
