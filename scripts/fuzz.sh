#!/bin/sh
# Runs every fuzz test in turn for the given time, 20s by default. A failing input is
# kept in its package's testdata/fuzz, where the test fails on it from then on.
set -eu
for dir in $(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do
    for target in $(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | cut -c6-); do
        echo "== $dir $target"
        go test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "${1:-20s}"
    done
done
