#!/bin/sh
# Gives every file reader as many damaged files as the argument says, the same in each
# run, and prints what became of them and the total. A file that makes a reader panic,
# or use too much time or memory, is kept in build/mutants.
set -eu
packages=$(git grep -l 'sharedtest.Reader{' -- 'internal/*_test.go' | grep -v internal/sharedtest | xargs -n1 dirname | sort -u | sed 's|^|./|')
# shellcheck disable=SC2086 # one argument per package
CLUSIR_MUTANTS="$1" go test -count 1 -timeout 0 -v -run '^TestMutants$' $packages | awk '
    /mutants: / {
        sub(/.*mutants: /, ""); print; fflush()
        split($0, part, /: /); split(part[2], n, /[ ,]+/)
        files += n[1]; read += n[3]; refused += n[5]; faults += n[7]
        next
    }
    /panic|kept as|file [0-9]+:|^FAIL|^--- FAIL/ { print; bad = 1 }
    END {
        printf "%d files: %d read, %d refused, %d faults\n", files, read, refused, faults
        exit bad || faults > 0 || files == 0
    }'
