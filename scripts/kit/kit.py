"""Tests and measures clusir on a machine with an NVIDIA driver.

    run.sh [a] [b] [c] [STEP...] [--out FOLDER]      by default a and b
    run.sh --list

Part a checks correctness, b measures speed, c trains for some minutes: --data,
--minutes, and further arguments for `clusir train` after --. Each step has a time
limit, and a failure does not stop the others. FOLDER gets report.json and report.log.
The exit code is 1 if a step failed.

If CLUSIR_LIBCUDA names the software device, the same steps run in small sizes.
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from step import CLUSIR, KIT, Failed, LeftOut, Step, end_all, kill

SOFTWARE = bool(os.environ.get("CLUSIR_LIBCUDA"))
PRECISIONS = ["float32", "tf32", "bf16"]


# --- part a: correctness -----------------------------------------------------


def devices(step):
    if shutil.which("nvidia-smi"):
        query = "name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit"
        step.results["nvidia-smi"] = step.call(["nvidia-smi", "--query-gpu=" + query, "--format=csv"])
    text = step.call([CLUSIR, "bench", "--devices", "--json"])
    step.results["devices"] = [json.loads(line) for line in text.splitlines()]
    step.call([CLUSIR, "version"])


def conformance(precision):
    return lambda step: step.test("cuda", f"TestConformance$/^{precision}$")


def numerics(step):
    step.test("cuda", "^Test(Conv1x1Precision|Conv3x3Precision|Product|Nearly|Parts|LongFFT|LayerNorm|Addresses|"
                      "LargeTransfers|StreamsAndEvents|CacheReuse|MACs|Conv3x3MACs|ExpertMACs|AttentionMACs|Devices|OpenRefuses)$")


def golden(pattern):
    def run(step):
        files = [] if SOFTWARE else sorted((KIT / "golden").glob("*.safetensors"))
        step.test("model", pattern, env={"CLUSIR_GOLDEN": ":".join(map(str, files))})

    return run


def picture(step):
    """Compares a restored picture with the CPU's; the software device also trains on two devices."""
    step.test("clusir", "OnCUDA" if SOFTWARE else "^TestRestoreOnCUDA$")


def tool(name):
    """Finds one of CUDA's programs, which need a GPU."""
    program = shutil.which(name) or shutil.which(name, path="/usr/local/cuda/bin")
    if SOFTWARE or not program:
        raise LeftOut(f"no {name}, or no GPU for it")
    return program


def find_nccl():
    """Finds NCCL's library, in the system or in a Python package."""
    named = os.environ.get("CLUSIR_LIBNCCL")
    folders = [Path(p) / "nvidia" / "nccl" / "lib" for p in sys.path if p]
    folders += [Path("/usr/lib/x86_64-linux-gnu"), Path("/usr/local/cuda/lib64")]
    for path in [Path(named)] if named else [f / "libnccl.so.2" for f in folders]:
        if path.exists():
            return str(path)
    raise LeftOut("no libnccl.so.2: install libnccl2 or the Python package nvidia-nccl-cu13")


def nccl(step):
    step.test("cuda", "^TestOneRank$", env={"CLUSIR_LIBNCCL": find_nccl()})


def sanitizer(check):
    def run(step):
        program = tool("compute-sanitizer")
        quiet = ["--report-api-errors", "no"] if check == "memcheck" else []  # the program also looks for kernels in modules without them
        text = step.test("cuda", "TestConformance$/^tf32$", "-small",
                         prefix=[program, "--tool", check, "--error-exitcode", "9", "--print-limit", "20", *quiet])
        step.results["summary"] = [line for line in text.splitlines() if "SUMMARY" in line]

    return run


def training(step):
    """Two runs, and one that is killed and resumed, must end with the same bits."""
    folder, steps = step.scratch("training"), 3 if SOFTWARE else 50
    config = folder / "run.yaml"
    config.write_text(f"""\
model: {{variant: nano{', dim: 4, enc_blocks: [1, 1, 1, 1], dec_blocks: [1, 1, 1], refine_blocks: 1, fsb_groups: 4, heads: [1, 1, 1, 1]' if SOFTWARE else ''}}}
tasks: [{{kind: denoise, repeat: 1, sigmas: [15, 25, 50]}}]
train: {{steps: {steps}, batch: {2 if SOFTWARE else 8}, patch: {32 if SOFTWARE else 64}, schedule: constant, ema: 0.9,
  log_interval: 1, checkpoint_interval: {1 if SOFTWARE else 10}, validation_interval: 0}}
""")

    def command(name):
        return [CLUSIR, "train", "--config", str(config), "--data", str(KIT / "data"), "--device", "cuda", "--precision",
                "tf32", "--out", str(folder / name)]

    for name in ["first", "second"]:
        begin = time.monotonic()
        step.call(command(name))
        step.results[name + "_s"] = round(time.monotonic() - begin, 2)
    third = step.start(command("third"))
    log = folder / "third" / "log.jsonl"
    while third.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < steps * 2 // 3):
        if time.monotonic() > step.deadline:
            kill(third)
            raise Failed("no step in time")
        time.sleep(0.005)
    kill(third)
    step.wait(third, expect=-signal.SIGKILL)
    step.call(command("third") + ["--resume"])
    one = (folder / "first" / "last.safetensors").read_bytes()
    for name in ["second", "third"]:
        if (folder / name / "last.safetensors").read_bytes() != one:
            raise Failed(f"the {name} run ends with different bits than the first")
    losses = [json.loads(line)["loss"] for line in (folder / "first" / "log.jsonl").read_text().splitlines()]
    step.results["losses"] = [losses[0], losses[-1]]


# --- part b: speed -----------------------------------------------------------


def torch_step(*args):
    def run(step):
        if not (KIT / "shared" / "reference").exists():
            raise LeftOut("the kit was made without the reference network")
        if subprocess.run([sys.executable, "-c", "import torch, safetensors, sys; sys.exit(not torch.cuda.is_available())"],
                          capture_output=True, check=False).returncode:
            raise LeftOut("no PyTorch with CUDA")
        text = step.call([sys.executable, str(KIT / "torch_speed.py"), *args],
                         env={"PYTHONPATH": str(KIT / "shared" / "reference"), "PYTHONUNBUFFERED": "1"})
        step.results["measured"] = [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    return run


def kernels(step):
    """Measures, by events, the time of training at TF32 and of inference."""
    report = step.scratch("kernels") / "times.json"
    step.test("cuda", "^TestKernelTimes$", "-kernel-times", str(report))
    shutil.copy(report, step.out / "kernels.json")
    step.results["steps"] = [{k: v for k, v in s.items() if k != "kernels"} for s in json.loads(report.read_text())]


def profile(step, *options):
    """Runs ncu on one training step."""
    return step.call([tool("ncu"), "--clock-control", "none", *options, CLUSIR, "bench", "--device", "cuda", "--precision", "tf32",
                      "--model", "base", "--size", "128", "--train", "12", "--peak=false", "--warmup", "0", "--runs", "1"])


def ncu(step):
    """Profiles every kernel of one training step: time, bytes and utilisation."""
    metrics = ["gpu__time_duration.sum", "dram__bytes_read.sum", "dram__bytes_write.sum", "sm__inst_executed.sum",
               "sm__warps_active.avg.pct_of_peak_sustained_active", "sm__inst_issued.avg.pct_of_peak_sustained_active",
               "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active"]
    csv = step.out / "ncu.csv"
    profile(step, "--csv", "--page", "raw", "--log-file", str(csv), "--metrics", ",".join(metrics))
    step.results["launches"] = len(csv.read_text().splitlines()) - 2


def ncu_details(step):
    """Runs ncu's full analysis on the slowest kernels."""
    names = "gate_grad|gate_fwd|experts_.*_tf32|conv1x1_dw_tf32|conv3x3_.*_tf32|layernorm.*"
    text = profile(step, "--set", "full", "--kernel-name", "regex:" + names, "--launch-skip", "20", "--launch-count", "40", "--page", "details")
    (step.out / "ncu-details.txt").write_text(text)


def throughput(precision):
    def run(step):
        model, batch, sides = ("nano", "2", ["32x32"]) if SOFTWARE else ("base", "12", ["256x256", "512x512", "1920x1080"])
        side, runs = ("32", "1") if SOFTWARE else ("128", "20")
        common = ["--model", model, "--precision", precision, "--runs", runs, "--warmup", "0" if SOFTWARE else "5"]
        found = step.bench(*common, "--train", batch, "--size", side)
        for s in sides:
            found += step.bench(*common, "--size", s)
        step.results["measured"] = [{k: r[k] for k in ["size", "batch", "train", "precision", "ms_median", "ms_min", "images_per_s"]} for r in found]

    return run


# --- part c: training --------------------------------------------------------


def long_training(data, minutes, more):
    """Trains the last phase of the shipped recipe, from the embedded weights, for some minutes."""

    def run(step):
        folder = step.out / "run"
        args = [CLUSIR, "train", "--data", str(data), "--device", "cuda", "--out", str(folder), *more]
        if "--config" not in more:
            args += ["--config", "nano-finish"]
        if (folder / "last.safetensors").exists():
            args.append("--resume")
        elif "--init-from" not in more:
            args += ["--init-from", "nano"]
        process = step.start(args)
        try:
            process.wait(60 * minutes)
            step.wait(process)  # it ended by itself
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            step.wait(process, expect=130)
        log = (folder / "log.jsonl").read_text().splitlines()
        step.results["last"] = json.loads(log[-1])
        step.results["checkpoint"] = str(folder / "last.safetensors")

    return run


def steps(options):
    """Returns all steps, in order. The software device gets longer time limits than a GPU."""
    slow = 10 if SOFTWARE else 1
    a = [("devices", 30, devices)]
    a += [("conformance-" + p, 150, conformance(p)) for p in PRECISIONS]
    a += [("numerics", 120, numerics)]
    a += [("golden-float32", 150, golden("TestGolden$/(testdata|safetensors)/./cuda")),
          ("golden-tf32", 120, golden("TestGoldenPrecision$/tf32")), ("golden-bf16", 120, golden("TestGoldenPrecision$/bf16"))]
    a += [("picture", 60, picture), ("nccl", 60, nccl), ("training", 90, training)]
    a += [(check, 240, sanitizer(check)) for check in ["memcheck", "racecheck", "synccheck"]]
    b = [("ceilings", 60, torch_step("ceilings")), ("kernels", 90, kernels)]
    b += [("throughput-" + p, 90, throughput(p)) for p in PRECISIONS]
    b += [("torch-" + m, 200 if m == "compiled" else 60, torch_step("network", m)) for m in ["eager-tf32", "amp-channels-last", "compiled"]]
    b += [("ncu", 150, ncu), ("ncu-details", 90, ncu_details)]
    c = [("train", 60 * options.minutes + 60, long_training(options.data, options.minutes, options.more))]
    return [Step(part, name, slow * seconds, run) for part, some in {"a": a, "b": b, "c": c}.items() for name, seconds, run in some]


def execute(step, out, lock, log):
    """Runs a step and returns its entry in the report."""
    begin = time.monotonic()
    step.deadline, step.out, status, reason = begin + step.seconds, out, "passed", ""
    try:
        step.run(step)
    except LeftOut as e:
        status, reason = "left out", str(e)
    except Failed as e:
        status, reason = "failed", str(e)
    except Exception as e:  # a bug in one step must not stop the others
        status, reason = "failed", f"{type(e).__name__}: {e}"
    seconds = round(time.monotonic() - begin, 1)
    text = "".join(step.log)
    with lock:
        log.write(f"== {step.part} {step.name}\n{text}\n-- {step.name}: {status} in {seconds} s {reason}\n\n")
        log.flush()
        print(f"{step.part} {step.name:22} {status:9} {seconds:7.1f} s  {reason}", flush=True)
        if status == "failed":
            print("    " + "\n    ".join(text.splitlines()[-12:]), flush=True)
    row = {"part": step.part, "step": step.name, "status": status, "seconds": seconds, "results": step.results}
    if reason:
        row["reason"] = reason
    return row


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*")
    parser.add_argument("--list", action="store_true", help="list the steps")
    parser.add_argument("--out", type=Path, default=KIT / "report")
    parser.add_argument("--jobs", type=int, default=2 if SOFTWARE else 4, help="steps of part a at a time")
    parser.add_argument("--data", type=Path, default=KIT / "data")
    parser.add_argument("--minutes", type=float, default=5)
    arguments, more = sys.argv[1:], []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, more = arguments[:at], arguments[at + 1:]
    options = parser.parse_args(arguments)
    options.more, options.out = more, options.out.resolve()
    return parser, options


def main():
    parser, options = parse()
    for number in [signal.SIGTERM, signal.SIGINT]:
        signal.signal(number, end_all)
    every = steps(options)
    if options.list:
        for s in every:
            print(f"{s.part} {s.name:22} at most {s.seconds:.0f} s")
        return
    what = options.what or ["a", "b"]
    unknown = set(what) - {s.part for s in every} - {s.name for s in every}
    if unknown:
        parser.error(f"no part or step {', '.join(sorted(unknown))}: --list shows them")
    chosen = [s for s in every if s.part in what or s.name in what]
    options.out.mkdir(parents=True, exist_ok=True)
    begin, lock = time.monotonic(), threading.Lock()
    report = {"started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "version": (KIT / "VERSION").read_text().strip(),
              "software_device": SOFTWARE, "steps": []}
    with open(options.out / "report.log", "w") as log:

        def some(jobs, part):
            with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
                for row in pool.map(lambda s: execute(s, options.out, lock, log), [s for s in chosen if s.part in part]):
                    report["steps"].append(row)
                    report["seconds"] = round(time.monotonic() - begin, 1)
                    (options.out / "report.json").write_text(json.dumps(report, indent=1) + "\n")

        some(options.jobs, "a")
        some(1, "bc")
    failed = [r["step"] for r in report["steps"] if r["status"] == "failed"]
    print(f"{len(chosen)} steps in {report['seconds']} s, failed: {', '.join(failed) or 'none'}; {options.out}/report.json")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
