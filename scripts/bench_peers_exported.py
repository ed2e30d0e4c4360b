"""ONNX Runtime and OpenVINO for bench_peers.py: the network that PyTorch exported.

    bench_peers_exported.py FOLDER MODE --size N --threads N
        runs one pass per line of input and answers each with a line of JSON; the first
        line has the difference between the output and PyTorch's

MODE is onnxruntime, openvino or openvino-bf16. PyTorch is not imported, so that only
the runtime's memory counts.
"""

import argparse
from pathlib import Path

import numpy
from bench_peers_serve import serve


def onnxruntime_pass(path, threads):
    """Returns the version and a function from an image to the network's output."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return "onnxruntime " + onnxruntime.__version__, lambda image: session.run(None, {"image": image})[0]


def openvino_pass(path, threads, precision):
    """The same; precision is f32 or bf16."""
    import openvino

    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(core.read_model(path), "CPU", settings)
    used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
    if used not in (precision, {"f32": "float"}.get(precision)):
        raise SystemExit(f"openvino computes in {used}, not in {precision} as requested")
    return "openvino " + openvino.__version__, lambda image: compiled(image)[0]


def difference(got, want, image):
    """The error of a result, relative to what the network adds to the image."""
    return float(numpy.linalg.norm(got - want) / numpy.linalg.norm(want - image))


def prepared(folder, mode, size, threads):
    """Runs the first pass, which does not count, and compares its result."""
    path = str(folder / f"{size}.onnx")
    if mode == "onnxruntime":
        version, run = onnxruntime_pass(path, threads)
    else:
        version, run = openvino_pass(path, threads, "bf16" if mode == "openvino-bf16" else "f32")
    image = numpy.load(folder / f"{size}-in.npy")
    off = difference(run(image), numpy.load(folder / f"{size}-out.npy"), image)
    return {"version": version, "difference": off}, lambda: run(image)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("mode", choices=["onnxruntime", "openvino", "openvino-bf16"])
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    a = parser.parse_args()
    serve(lambda: prepared(a.folder, a.mode, a.size, a.threads))


if __name__ == "__main__":
    main()
