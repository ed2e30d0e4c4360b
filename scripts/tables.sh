#!/usr/bin/env bash
# Writes docs/results/tables.md: the paper's tables with a row for the shipped model,
# measured on the benchmarks found below $CLUSIR_DATA.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
: "${CLUSIR_DATA:?name the data folder, such as CLUSIR_DATA=data}"
results=$root/build/tables.jsonl
out=$root/docs/results/tables.md

mkdir -p "$root/build" "$(dirname "$out")"
rm -f "$results"
# One run measures everything; the tables select their columns.
"$root/bin/clusir" eval --benchmark five-task,kodak24 --results "$results" > /dev/null
{
  printf '# The paper'"'"'s tables with nano among them\n\n'
  printf 'Written by `make tables`. nano is one network for five tasks, of 2 M parameters;\n'
  printf 'the methods of Table 3 have one network for each.\n'
  for table in 1 2 3 8; do
    echo
    "$root/bin/clusir" table "$table" --runs /nonexistent --row "nano=$results" --format markdown | grep -v '^missing: row'
  done
  echo
  "$root/bin/clusir" table 7 --format markdown
} > "$out"
