#!/bin/sh
# Tests and measures clusir on a machine with an NVIDIA driver and Python: run.sh --help.
exec python3 "$(dirname "$0")/kit.py" "$@"
