"""A step of the kit: programs with a time limit, and their output."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KIT = Path(__file__).resolve().parent
CLUSIR = str(KIT / "bin" / "clusir")


class LeftOut(Exception):
    """A step that needs something this machine lacks."""


class Failed(Exception):
    """A step whose result is wrong, or that took too long."""


running = set()


def end_all(number, _):
    """Kills all programs that the kit started when it is terminated."""
    for process in list(running):
        kill(process)
    sys.exit(128 + number)


class Step:
    """One thing to do. run(step) may put numbers into step.results."""

    def __init__(self, part, name, seconds, run):
        self.part, self.name, self.seconds, self.run = part, name, seconds, run
        self.results, self.log, self.deadline, self.out = {}, [], None, None

    def say(self, text):
        self.log.append(text if text.endswith("\n") else text + "\n")

    def start(self, args, cwd=KIT, env=None):
        """Starts a program in its own process group."""
        self.say("$ " + " ".join(map(str, args)))
        output = tempfile.TemporaryFile()  # a pipe that nobody reads would block it
        process = subprocess.Popen(args, cwd=cwd, env=environment(env), stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        process.output = output
        running.add(process)
        return process

    def wait(self, process, expect=0):
        """Returns the output of a program, which must end in time with the expected code."""
        late = False
        try:
            process.wait(max(1, self.deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            late = True
            kill(process)
        process.wait()
        running.discard(process)
        process.output.seek(0)
        text = process.output.read().decode(errors="replace")
        self.say(text)
        if late:
            raise Failed(f"not done after {self.seconds} s")
        if process.returncode != expect:
            raise Failed(f"exit code {process.returncode} of {Path(process.args[0]).name}")
        return text

    def call(self, args, cwd=KIT, env=None):
        return self.wait(self.start(args, cwd, env))

    def test(self, binary, pattern, *flags, env=None, prefix=()):
        """Runs Go tests in their package's folder. The pattern must match one."""
        cwd = KIT / "src" / {"cuda": "internal/kernels/cuda", "model": "internal/model", "clusir": "cmd/clusir"}[binary]
        args = [*prefix, str(KIT / "bin" / (binary + ".test")), "-test.run", pattern, "-test.v", f"-test.timeout={self.seconds}s", *flags]
        text = self.call(args, cwd, env)
        if "--- PASS" not in text:
            raise Failed("no test passed: " + pattern)
        skipped = [line.split()[2] for line in text.splitlines() if line.lstrip().startswith("--- SKIP")]
        if skipped:
            self.results["skipped"] = skipped
        return text

    def bench(self, *args):
        """Returns the measurements of `clusir bench`."""
        text = self.call([CLUSIR, "bench", "--device", "cuda", "--peak=false", "--json", *args])
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def scratch(self, name):
        """Returns an empty folder for temporary files."""
        folder = KIT / "scratch" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def kill(process):
    """Kills a program and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def environment(more):
    """CI=true makes a test fail, not skip, if its device is missing."""
    return {**os.environ, "CI": "true", "CLUSIR_SHARED": str(KIT / "shared"), **(more or {})}
