#!/bin/sh
# Accepts and measures clusir on a machine with an NVIDIA driver and Python: see README.md.
exec python3 "$(dirname "$0")/kit.py" "$@"
