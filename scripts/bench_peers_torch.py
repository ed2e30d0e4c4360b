"""The PyTorch side of bench_peers.py: the reference network, imported.

    bench_peers_torch.py prepare MODEL FOLDER NANO.json
        writes random weights, their configuration, and an image with the network's
        output for it, for `clusir bench --verify`
    bench_peers_torch.py export FOLDER --size N
        writes the network as N.onnx, an image as N-in.npy and the output as N-out.npy
    bench_peers_torch.py serve FOLDER MODE --size N [--train B] --threads N
        runs one pass per line of input and answers each with a line of JSON
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy
import torch
import torch.nn.functional as F
from bench_peers_serve import serve
from clusir_ref import VARIANTS, ClusIR, Config
from safetensors.torch import load_file, save_file


def prepare(model, folder, nano):
    """Saves the weights as a PyTorch user would: without a configuration."""
    torch.manual_seed(0)
    config = Config(**json.loads(nano.read_text())) if model == "nano" else VARIANTS[model.removesuffix("-wtb")]
    if model.endswith("-wtb"):
        config = replace(config, use_moe=False, use_dafmm=False)
    net = ClusIR(config).eval()
    with torch.no_grad():  # parameters that start at zero would hide the rest of the network
        for name, p in net.named_parameters():
            if name == "head.weight" or name.endswith("conv2.weight"):
                p.normal_(0, p[0].numel() ** -0.5)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(asdict(config)))
    save_file(net.state_dict(), folder / "weights.safetensors")
    image = torch.rand(2, 3, 64, 96)
    with torch.no_grad():
        save_file({"in.image": image, "eval.output": net(image).contiguous()}, folder / "verify.safetensors")


def saved(folder):
    """The network with the weights of prepare, and its configuration."""
    config = Config(**json.loads((folder / "config.json").read_text()))
    net = ClusIR(config)
    net.load_state_dict(load_file(folder / "weights.safetensors"))
    return net, config


def export(folder, size):
    """The size is fixed, which runtimes can exploit."""
    torch.manual_seed(0)
    net, image = saved(folder)[0].eval(), torch.rand(1, 3, size, size)
    with torch.no_grad():
        numpy.save(folder / f"{size}-in.npy", image.numpy())
        numpy.save(folder / f"{size}-out.npy", net(image).numpy())
        torch.onnx.export(net, (image,), folder / f"{size}.onnx", input_names=["image"], output_names=["restored"], opset_version=17, dynamo=False)


def workload(folder, mode, size, train):
    """Returns a function that runs one pass."""
    net, config = saved(folder)
    net.train(bool(train))
    x = torch.rand(train or 1, 3, size, size)
    if mode == "channels-last":
        net, x = net.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    run = torch.compile(net) if mode == "inductor" else net
    if mode == "autocast":

        def run(*inputs):
            with torch.autocast("cpu", torch.bfloat16):
                return net(*inputs)

    if not train:

        def forward():
            with torch.no_grad():
                run(x)

        return forward
    adam = torch.optim.Adam(net.parameters(), 2e-4)
    eps = [torch.randn(train, config.clusters[l], config.dim * 2**l) for l in range(4)]

    def step():
        loss = F.l1_loss(run(x, eps).float(), x * 0.9)
        adam.zero_grad()
        loss.backward()
        adam.step()

    return step


def prepared(folder, mode, size, train, threads):
    """Compiles and runs the first pass, which does not count."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    run = workload(folder, mode, size, train)
    run()
    return {"version": "torch " + torch.__version__}, run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("prepare")
    p.add_argument("model")
    p.add_argument("folder", type=Path)
    p.add_argument("nano", type=Path)
    e = commands.add_parser("export")
    e.add_argument("folder", type=Path)
    e.add_argument("--size", type=int, required=True)
    s = commands.add_parser("serve")
    s.add_argument("folder", type=Path)
    s.add_argument("mode", choices=["eager", "channels-last", "autocast", "inductor"])
    s.add_argument("--size", type=int, required=True)
    s.add_argument("--train", type=int, default=0)
    s.add_argument("--threads", type=int, required=True)
    a = parser.parse_args()
    if a.command == "prepare":
        prepare(a.model, a.folder, a.nano)
    elif a.command == "export":
        export(a.folder, a.size)
    else:
        serve(lambda: prepared(a.folder, a.mode, a.size, a.train, a.threads))


if __name__ == "__main__":
    main()
