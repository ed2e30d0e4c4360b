"""How a peer answers bench_peers.py, whatever its library."""

import json
import os
import sys
import time
from pathlib import Path


def peak_rss_mb():
    """The peak memory of this process, read in the same way as clusir's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise SystemExit("/proc/self/status has no VmHWM")


def serve(prepare):
    """Answers with what prepare says of itself, and then with the time of one pass per line
    of input. prepare returns both, what to say and the function of a pass."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # keep the libraries' output out of the answers
    imported = peak_rss_mb()
    hello, run = prepare()
    print(json.dumps(hello | {"import_rss_mb": imported}), file=answers)
    for _ in sys.stdin:
        start = time.perf_counter()
        run()
        ms = (time.perf_counter() - start) * 1e3
        print(json.dumps({"ms": ms, "peak_rss_mb": peak_rss_mb()}), file=answers)
