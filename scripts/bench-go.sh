#!/usr/bin/env bash
# Runs the Go benchmarks and compares them with the stored baseline.
#
#   scripts/bench-go.sh [--record] [REGEXP]
#
# REGEXP selects benchmarks, by default all. Each runs COUNT times (6) for BENCHTIME
# (0.3s); benchstat tells differences from noise. --record stores the results as the new
# baseline; do that on an idle machine.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
benchstat=golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
baseline=docs/bench/baseline.txt
results=build/bench/results.txt
cd "$root"

record=
if [ "${1:-}" = --record ]; then
  record=yes
  shift
fi
[ -z "$record" ] || [ $# = 0 ] || { echo "--record takes no REGEXP: a baseline has all benchmarks" >&2; exit 2; }

mkdir -p "$(dirname $results)"
packages=$(git grep -l '^func Benchmark' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|')
# shellcheck disable=SC2086 # packages is a list
go test $packages -run '^$' -bench "${1:-.}" -count "${COUNT:-6}" -benchtime "${BENCHTIME:-0.3s}" -timeout 2h | tee $results.tmp
mv $results.tmp $results

if [ -n "$record" ]; then
  mkdir -p "$(dirname $baseline)"
  cp $results $baseline
  echo "stored in $baseline"
elif [ -f $baseline ]; then
  scripts/tool.sh build/tools benchstat $benchstat baseline=$baseline now=$results
else
  echo "there is no $baseline to compare with: store one with scripts/bench-go.sh --record" >&2
fi
