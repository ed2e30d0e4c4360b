#!/bin/sh
# Runs a development tool at a pinned version, building it on first use.
#
#   tool.sh FOLDER NAME PACKAGE@VERSION [ARGUMENT...]
#
# If the tool cannot be built, this fails under CLUSIR_REQUIRE_SHARED=1. Otherwise it
# reports that the tool is skipped, except for the test runner, which `go test` replaces.
set -eu
folder=$1 name=$2 package=$3
shift 3
tool=$folder/$name-${package##*@}

if [ ! -x "$tool" ]; then
    echo "building $name ${package##*@}" >&2
    mkdir -p "$folder"
    if GOBIN=$(cd "$folder" && pwd) go install "$package"; then
        mv "$folder/$name" "$tool"
    elif [ "${CLUSIR_REQUIRE_SHARED:-}" = 1 ]; then
        echo "$name cannot be built: $package is needed here" >&2
        exit 1
    elif [ "$name" = gotestsum ]; then
        exec go test ./...
    else
        echo "SKIPPED: $name cannot be built, so it checked nothing" >&2
        exit 0
    fi
fi
exec "$tool" "$@"
