"""Measures clusir and its peers in one run, and prints them side by side.

Each contender has its own process. A peer's process lasts for all rounds of a case
and answers line by line, so that importing and compiling do not count; clusir is
started for every round, warms up once and measures once. The rounds alternate.
Before the measurements, both sides must agree on an output of the same weights.
"""

import argparse
import json
import os
import platform
import re
import shlex
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

CASES = ["base:256", "tiny:256", "nano:256", "base-wtb:256", "tiny-wtb:256", "train:nano:4x128", "train:tiny:2x128"]
MODELS = ["base", "small", "tiny", "nano", "base-wtb", "tiny-wtb"]
MODES = ["clusir-bf16", "eager", "channels-last", "autocast", "inductor", "onnxruntime", "openvino", "openvino-bf16"]
# The runtimes that the network without its router (Table 4 a) is exported for, and each
# one's largest difference from PyTorch, relative to what the network adds.
EXPORTED = {"onnxruntime": 1e-3, "openvino": 1e-3, "openvino-bf16": 5e-2}
NANO = Path(__file__).with_name("peers-nano.json")


@dataclass
class Case:
    model: str
    size: int
    train: int = 0  # batch, 0 for inference

    def __str__(self):
        return f"train {self.model} {self.train}×{self.size}²" if self.train else f"{self.model} {self.size}²"


def parse_case(text):
    m = re.fullmatch(rf"({'|'.join(MODELS)}):(\d+)|train:({'|'.join(MODELS)}):(\d+)x(\d+)", text)
    if not m:
        raise argparse.ArgumentTypeError(f"{text}: write MODEL:SIZE or train:MODEL:BATCHxSIZE, MODEL one of {', '.join(MODELS)}")
    if m[1]:
        return Case(m[1], int(m[2]))
    return Case(m[3], int(m[5]), int(m[4]))


def parse_modes(text):
    modes = text.split(",")
    if not set(modes) <= set(MODES):
        raise argparse.ArgumentTypeError(f"{text}: choose from {', '.join(MODES)}")
    return modes


def fail(what, done, log=""):
    sys.exit(f"{what} failed with exit code {done}\n{log[-3000:]}")


def call(what, command):
    """Returns what a program prints."""
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True)
    if done.returncode:
        fail(what, done.returncode, done.stderr)
    return done.stdout


def bench(a, folder, *flags):
    """The command that measures the network of a folder."""
    return [a.clusir, "bench", "--model", folder / "weights.safetensors", "--model-config", folder / "config.json",
            "--threads", a.threads, "--device", "cpu", "--json", *flags]


class Clusir:
    """A process per round."""

    def __init__(self, a, case, folder, precision="float32"):
        self.name = "clusir" if precision == "float32" else "clusir-" + precision
        self.command = bench(a, folder, "--size", case.size, "--warmup", 1, "--runs", 1, "--precision", precision)
        if case.train:
            self.command += ["--train", case.train, "--objective", "l1"]

    def run(self, peak=False):
        r = json.loads(call("clusir bench", [*self.command, f"--peak={str(peak).lower()}"]))
        return r | {"ms": r["ms_median"]}

    def close(self):
        pass


class Peer:
    """One process for all rounds."""

    def __init__(self, a, case, folder, mode):
        self.name = mode
        command = shlex.split(a.exported) if mode in EXPORTED else [*shlex.split(a.peer), "serve", "--train", case.train]
        command += [folder, mode, "--size", case.size, "--threads", a.threads]
        self.log = open(a.work / "peer.log", "w+")
        self.process = subprocess.Popen([str(x) for x in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        try:
            self.hello = self.answer()
            if mode in EXPORTED:
                self.compare(EXPORTED[mode])
        except BaseException:
            self.close()
            raise

    def compare(self, allowed):
        difference = self.hello["difference"]
        print(f"{self.name}: its output is off by {difference:.1e} of what the network adds", file=sys.stderr)
        if not difference <= allowed:
            sys.exit(f"{self.name} is off by {difference:.1e}, more than {allowed}: it does not run the same network")

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.log.seek(0)
            fail(self.name, code, self.log.read())
        return json.loads(line)

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:  # it is still compiling
            self.process.kill()
            self.process.wait()
        self.log.close()


def prepare(a, model):
    """Makes the weights, once, and compares clusir's output with the peer's."""
    folder = a.work / model
    call("making weights of " + model, [*shlex.split(a.peer), "prepare", model, folder, NANO])
    difference = json.loads(call("verifying " + model, bench(a, folder, "--verify", folder / "verify.safetensors")))["difference"]
    print(f"{model}: outputs from the same weights agree to {difference:.1e}", file=sys.stderr)
    return folder, difference


def has_bf16(a):
    """Reports whether the CPU multiplies bf16 faster than float32; if not, prints clusir's reason."""
    done = subprocess.run([a.clusir, "bench", "--model", "nano", "--size", "64", "--warmup", "0", "--runs", "1", "--peak=false",
                           "--device", "cpu", "--precision", "bf16"], capture_output=True, text=True)
    if done.returncode:
        print(f"clusir-bf16 is left out: {done.stderr.strip()}", file=sys.stderr)
    return done.returncode == 0


def can(case, mode):
    """Reports whether a mode can take a case."""
    if mode in EXPORTED:
        return case.model.endswith("-wtb") and not case.train
    return not (case.train and mode == "inductor")


def export(a, case, folder):
    """Exports the network for the other runtimes, with an image and its result."""
    if not any(can(case, m) for m in set(a.modes) & set(EXPORTED)):
        return
    call(f"exporting {case}", [*shlex.split(a.peer), "export", folder, "--size", case.size])


def measure(a, case, folder):
    """Alternates between the contenders, each being first in turn."""
    modes = [m for m in a.modes if can(case, m)]
    contenders = [Clusir(a, case, folder)]
    counted = contenders[0].run(peak=True)
    result = {"case": str(case), "gmacs": counted["gmacs"], "params": counted["params"], "threads": a.threads,
              "isa": counted["isa"], "peak_gmacs_per_s": counted["peak_gmacs_per_s"], "contenders": []}
    try:
        for mode in modes:
            print(f"{case}: starting {mode}", file=sys.stderr)
            contenders.append(Clusir(a, case, folder, "bf16") if mode == "clusir-bf16" else Peer(a, case, folder, mode))
        samples = {c.name: [] for c in contenders}
        for r in range(a.rounds):
            for i in range(len(contenders)):
                c = contenders[(r + i) % len(contenders)]
                time.sleep(a.pause)  # until the previous contender's threads sleep
                samples[c.name].append(c.run())
            print(f"{case}: round {r + 1} of {a.rounds}", file=sys.stderr)
    finally:
        for c in contenders:
            c.close()
    for c in contenders:
        result["contenders"].append({
            "name": c.name, "version": getattr(c, "hello", {}).get("version", a.version),
            "ms": [s["ms"] for s in samples[c.name]], "ms_median": statistics.median(s["ms"] for s in samples[c.name]),
            "peak_rss_mb": max(s["peak_rss_mb"] for s in samples[c.name]), "import_rss_mb": getattr(c, "hello", {}).get("import_rss_mb", 0),
        })
    return result


def table(results):
    """Lines of text; the ratios are clusir's over each peer."""
    rows = [("case", "GMACs", "contender", "ms", "min", "max", "GMAC/s", "of peak", "peak MB", "import MB", "faster", "memory")]
    for r in results:
        ours = r["contenders"][0]
        for c in r["contenders"]:
            speed = r["gmacs"] / c["ms_median"] * 1e3
            rows.append((
                r["case"] if c is ours else "", f"{r['gmacs']:.1f}" if c is ours else "", c["name"],
                f"{c['ms_median']:.0f}", f"{min(c['ms']):.0f}", f"{max(c['ms']):.0f}",
                f"{speed:.1f}", f"{speed / r['peak_gmacs_per_s']:.0%}", f"{c['peak_rss_mb']:.0f}", f"{c['import_rss_mb']:.0f}" if c["import_rss_mb"] else "",
                "" if c is ours else f"{c['ms_median'] / ours['ms_median']:.2f}×",
                "" if c is ours else f"{ours['peak_rss_mb'] / c['peak_rss_mb']:.2f}×"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    left = (0, 2)
    return ["  ".join(f"{t:<{w}}" if i in left else f"{t:>{w}}" for i, (t, w) in enumerate(zip(row, widths))).rstrip() for row in rows]


def machine():
    info = Path("/proc/cpuinfo")
    cpu = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": cpu[1] if cpu else platform.processor(), "cores": os.cpu_count(), "memory_gb": round(pages / 2**30, 1),
            "system": f"{platform.system()} {platform.machine()}", "python": platform.python_version(), "load": os.getloadavg()[0]}


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cases", nargs="*", type=parse_case, help="MODEL:SIZE or train:MODEL:BATCHxSIZE; default " + " ".join(CASES))
    p.add_argument("--rounds", type=int, default=5, help="samples of each contender")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--modes", type=parse_modes, default=MODES, metavar="MODE,...",
                   help=f"in addition to clusir in float32: {', '.join(MODES)}; autocast is PyTorch in bf16; inductor is left out of training, as it compiles for minutes; "
                        f"{', '.join(EXPORTED)} take the networks named -wtb, in inference")
    p.add_argument("--pause", type=float, default=0.5, help="seconds between passes")
    p.add_argument("--out", type=Path, default=Path("bench-peers.json"), help="JSON with the machine, the versions and all samples")
    p.add_argument("--clusir", required=True, help="the program")
    p.add_argument("--peer", required=True, help="the command that runs bench_peers_torch.py")
    p.add_argument("--exported", required=True, help="the command that runs bench_peers_exported.py")
    p.add_argument("--work", type=Path, required=True, help="the folder for weights")
    a = p.parse_args()
    a.cases = a.cases or [parse_case(c) for c in CASES]
    if min(a.rounds, a.threads) < 1:
        p.error("--rounds and --threads must be 1 or more")
    return a


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that peers end too
    a = options()
    a.work.mkdir(parents=True, exist_ok=True)
    if "clusir-bf16" in a.modes and not has_bf16(a):
        a.modes = [m for m in a.modes if m != "clusir-bf16"]
    a.version = call("clusir version", [a.clusir, "version"]).strip()
    report = {"machine": machine(), "rounds": a.rounds, "cases": []}
    prepared = {}
    for case in a.cases:
        if case.model not in prepared:
            prepared[case.model] = prepare(a, case.model)
        folder, difference = prepared[case.model]
        export(a, case, folder)
        report["cases"].append(measure(a, case, folder) | {"output_difference": difference})
    print("\n".join(table(report["cases"])))
    print("of peak: of clusir's own float32 product; faster: the peer's time over clusir's; memory: clusir's peak over the peer's; import: the part that the peer's libraries take")
    temporary = a.out.with_suffix(".tmp")
    temporary.write_text(json.dumps(report, indent=1) + "\n")
    temporary.replace(a.out)
    print(f"all samples are in {a.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
