"""PyTorch on the same card: its ceilings, and the reference network.

    torch_speed.py ceilings
    torch_speed.py network eager-tf32|amp-channels-last|compiled

Each measurement is a line of JSON. Times are medians of runs, by wall clock and by
CUDA events. --device cpu tests this script itself, in small sizes.
"""

import argparse
import contextlib
import json
import statistics
import sys
import time

import torch

DEVICE = "cuda"
VARIANT, TRAIN = "base", (12, 128, 128)
PICTURES = [(256, 256), (512, 512), (1088, 1920)]  # 1080p, up to a multiple of 16


def wait():
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def timed(run):
    """Returns the milliseconds of one call, by wall clock and by CUDA events."""
    start = time.perf_counter()
    if DEVICE == "cpu":
        run()
        return 1e3 * (time.perf_counter() - start), 0
    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    begin.record()
    run()
    end.record()
    wait()
    return 1e3 * (time.perf_counter() - start), begin.elapsed_time(end)


def measure(run):
    """Returns the medians of both clocks."""
    for _ in range(3):
        run()
    wait()
    wall, gpu = zip(*[timed(run) for _ in range(10 if DEVICE == "cuda" else 1)])
    return {"wall_ms": round(statistics.median(wall), 3), "gpu_ms": round(statistics.median(gpu), 3)}


def say(**row):
    print(json.dumps(row), flush=True)


def ceilings():
    """Measures the limits of the card's memory and units: a large copy and large products."""
    x = torch.randn(1 << 28, device="cuda")
    y = torch.empty_like(x)
    ms = measure(lambda: y.copy_(x))["gpu_ms"]
    say(what="copy", gb_per_s=round(2 * 4 * x.numel() / ms / 1e6, 1))
    ms = measure(lambda: y.zero_())["gpu_ms"]
    say(what="fill", gb_per_s=round(4 * x.numel() / ms / 1e6, 1))
    del x, y
    n = 8192
    for name, dtype, tf32 in [("float32", torch.float32, False), ("tf32", torch.float32, True), ("bf16", torch.bfloat16, False)]:
        torch.backends.cuda.matmul.allow_tf32 = tf32
        a, b = torch.randn(n, n, device="cuda", dtype=dtype), torch.randn(n, n, device="cuda", dtype=dtype)
        ms = measure(lambda a=a, b=b: a @ b)["gpu_ms"]
        say(what="matmul", precision=name, side=n, tflops=round(2 * n**3 / ms / 1e9, 1))


def for_gpu(ref):
    """Adapts the reference to GPUs: spectra in float32 under autocast."""
    polar = ref.polar
    ref.polar = lambda x: polar(x.float())


def loss_of(losses, net, restored, clean):
    """clusir's objective: L1, MS-SSIM and orthogonality."""
    total = torch.nn.functional.l1_loss(restored, clean) + 0.2 * (1 - losses.ms_ssim(restored, clean))
    orthogonality = 0.0
    for moe in net.moe:
        p = torch.nn.functional.normalize(moe.router.prototypes, dim=-1)
        orthogonality = orthogonality + ((p @ p.t() - torch.eye(len(p), device=p.device)) ** 2).mean()
    return total + 0.01 * orthogonality / len(net.moe)


def network(mode):
    import clusir_ref as ref
    import losses

    for_gpu(ref)
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    layout = torch.contiguous_format if mode == "eager-tf32" else torch.channels_last
    autocast = contextlib.nullcontext if mode == "eager-tf32" else lambda: torch.autocast(DEVICE, torch.bfloat16)
    config = ref.VARIANTS[VARIANT]
    net = ref.ClusIR(config).to(DEVICE, memory_format=layout)
    if mode == "compiled":
        torch._dynamo.config.cache_size_limit = 64
        for module in net.modules():
            if isinstance(module, (ref.WTB, ref.GatedFFN)):
                module.compile(dynamic=False)
    picture = lambda b, h, w: torch.rand(b, 3, h, w, device=DEVICE).contiguous(memory_format=layout)

    x = picture(*TRAIN)
    adam = torch.optim.Adam(net.parameters(), 2e-4, fused=DEVICE == "cuda")
    eps = [torch.randn(TRAIN[0], config.clusters[l], config.dim * 2**l, device=DEVICE) for l in range(4)]

    def step():
        with autocast():
            restored = net(x, eps)
        loss = loss_of(losses, net, restored.float(), x * 0.9)
        adam.zero_grad()
        loss.backward()
        adam.step()

    first, times = timed(step)[0] / 1e3, measure(step)
    peak = torch.cuda.max_memory_allocated() / 1e9 if DEVICE == "cuda" else 0
    say(mode=mode, train=True, batch=TRAIN[0], size=TRAIN[1:], first_s=round(first, 1), **times, peak_gb=round(peak, 2))
    net.eval()
    for size in PICTURES:
        x = picture(1, *size)

        def forward(x=x):
            with torch.no_grad(), autocast():
                net(x)

        first = timed(forward)[0] / 1e3
        say(mode=mode, train=False, batch=1, size=size, first_s=round(first, 1), **measure(forward))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ceilings", "network"])
    parser.add_argument("mode", nargs="?", choices=["eager-tf32", "amp-channels-last", "compiled"])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    a = parser.parse_args()
    if a.device == "cpu":
        global DEVICE, VARIANT, TRAIN, PICTURES
        DEVICE, VARIANT, TRAIN, PICTURES = "cpu", "tiny", (2, 32, 32), [(32, 48)]
    say(torch=torch.__version__, device=torch.cuda.get_device_name(0) if DEVICE == "cuda" else "cpu")
    if a.what == "ceilings":
        ceilings()
    elif a.mode:
        network(a.mode)
    else:
        sys.exit("name a mode")


if __name__ == "__main__":
    main()
