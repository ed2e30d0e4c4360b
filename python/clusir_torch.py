"""The network of clusir in PyTorch: for research in both directions.

    from clusir_torch import load, save
    net, config = load("nano.safetensors")     # clusir export nano nano.safetensors
    restored = net(image)                      # [B,3,H,W] in 0..1, sides multiples of 16
    save(net, "mine.safetensors")              # clusir restore in.png out.png --model mine.safetensors

It needs torch and safetensors. Parameter names are those of clusir's files, and
equation numbers those of the paper. internal/model, in Go, has the same modules and
notes where they differ from the paper; it is written for speed, this file to be read.
Tensors are [B,C,H,W] unless stated otherwise.
"""

import dataclasses
import json

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn


@dataclasses.dataclass(frozen=True)
class Config:
    """The settings that the weights depend on, named as in a checkpoint's metadata. The
    defaults are the paper's base network. Lists have one entry per stage."""

    dim: int = 48  # channels of stage 1, doubled in each following stage
    enc_blocks: tuple = (4, 6, 6, 8)
    dec_blocks: tuple = (4, 6, 6)
    refine_blocks: int = 4
    heads: tuple = (1, 2, 4, 8)
    ffn_ratio: float = 3.0
    clusters: tuple = (3, 3, 3, 3)  # N
    top_clusters: tuple = (2, 2, 2, 2)  # K1
    experts: int = 4  # M, of each cluster
    top_experts: int = 2  # K2
    expert_ratio: float = 1.25
    prompt_len: int = 5
    prompt_size: tuple = (64, 32, 16)
    fsb_kernel: int = 3
    fsb_groups: int = 8
    prototype_init: str = "orthogonal"  # or uniform, Table 9
    use_moe: bool = True  # Table 4 (b)
    use_dafmm: bool = True  # Table 4 (c)

    def width(self, stage):
        return self.dim << stage


def haar(x):
    """The orthonormal Haar transform: LL, HL, LH, HH at half the size. The first
    letter is the horizontal direction: HL holds differences along the rows."""
    top, bottom = x[..., ::2, :], x[..., 1::2, :]
    (a, b), (c, d) = ((row[..., ::2], row[..., 1::2]) for row in (top, bottom))
    low, high = (a + b, c + d), (a - b, c - d)
    return tuple(band / 2 for band in (low[0] + low[1], high[0] + high[1], low[0] - low[1], high[0] - high[1]))


def inverse_haar(ll, hl, lh, hh):
    """The inverse of haar."""
    top = torch.stack((ll + hl + lh + hh, ll - hl + lh - hh), -1).flatten(-2)
    bottom = torch.stack((ll + hl - lh - hh, ll - hl - lh + hh), -1).flatten(-2)
    return torch.stack((top, bottom), -2).flatten(-3, -2) / 2


def conv(inputs, outputs, kernel, **more):
    """A convolution that keeps the size and has no bias."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False, **more)


def keep_top(scores, k):
    """Whether each score is among the k largest of the last dimension."""
    return torch.zeros_like(scores, dtype=torch.bool).scatter(-1, scores.topk(k).indices, True)


def softmax_over(scores, kept):
    """The softmax over the kept scores; 0 for the others."""
    return scores.masked_fill(~kept, float("-inf")).softmax(-1)


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each pixel."""

    def __init__(self, C):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(C)), nn.Parameter(torch.zeros(C))

    def forward(self, x):
        return F.layer_norm(x.movedim(1, -1), self.weight.shape, self.weight, self.bias, eps=1e-5).movedim(-1, 1)


class WaveletAttention(nn.Module):
    """Attention among channels, over the Haar subbands of a quarter of them: linear in
    the number of pixels."""

    def __init__(self, C, heads):
        super().__init__()
        self.heads = heads
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.reduce, self.filter = conv(C, C // 4, 1), conv(C, C, 3)
        self.qkv, self.proj = conv(C, 3 * C, 1), conv(C // 2, C, 1)

    def forward(self, x):
        bands = self.filter(torch.cat(haar(self.reduce(x)), 1))
        q, k, v = self.qkv(bands).unflatten(1, (3, self.heads, -1)).flatten(-2).unbind(1)
        scores = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).mT * self.temperature
        attended = (scores.softmax(-1) @ v).reshape(bands.shape)
        whole = [inverse_haar(*y.chunk(4, 1)) for y in (attended, bands)]
        return self.proj(torch.cat(whole, 1))


class GatedFFN(nn.Module):
    """The feed-forward network of a block, and of every expert."""

    def __init__(self, C, ratio):
        super().__init__()
        hidden = int(C * ratio)
        self.expand = conv(C, 2 * hidden, 1)
        self.depthwise = conv(2 * hidden, 2 * hidden, 3, groups=2 * hidden)
        self.project = conv(hidden, C, 1)

    def forward(self, x):
        gate, value = self.depthwise(self.expand(x)).chunk(2, 1)
        return self.project(F.gelu(gate) * value)


class WTB(nn.Module):
    """The wavelet transformer block."""

    def __init__(self, C, heads, ratio):
        super().__init__()
        self.norm1, self.attn = ChannelNorm(C), WaveletAttention(C, heads)
        self.norm2, self.ffn = ChannelNorm(C), GatedFFN(C, ratio)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.ffn(self.norm2(x))


class TokenAttention(nn.Module):
    """Attention of the tokens q [B,T,D] to the tokens of kv [B,S,E] that kept [B,S] marks."""

    def __init__(self, D, E, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = nn.Linear(D, D), nn.Linear(E, D), nn.Linear(E, D), nn.Linear(D, D)

    def forward(self, q, kv, kept):
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in (self.q(q), self.k(kv), self.v(kv)))
        scores = q @ k.mT / q.shape[-1] ** 0.5
        attended = softmax_over(scores, kept[:, None, None].expand_as(scores)) @ v
        return self.out(attended.transpose(1, 2).flatten(2))


class PCGRM(nn.Module):
    """The router: clusters of degradations first, then experts within them."""

    def __init__(self, C, stage, config):
        super().__init__()
        N, M = config.clusters[stage], config.experts
        self.top_clusters, self.top_experts = config.top_clusters[stage], config.top_experts
        start = nn.init.orthogonal_ if config.prototype_init == "orthogonal" else nn.init.uniform_
        self.embed = nn.Linear(C, C)
        self.prototypes = nn.Parameter(start(torch.empty(N, C)))
        self.mu = nn.Parameter(nn.init.orthogonal_(torch.empty(N, C)))
        self.log_sigma = nn.Parameter(torch.full((N, C), -2.0))
        self.cross = TokenAttention(C, C, config.heads[stage])
        self.gate = nn.Parameter(torch.randn(N, M, C) / C**0.5)
        self.gate_bias = nn.Parameter(torch.zeros(N, M))

    def forward(self, x, noise=None):
        """Returns the weights of the experts [B,N,M], the clusters' tokens [B,N,C], and
        which clusters are kept [B,N]. noise [B,N,C] is that of Eq. 7, in training."""
        z = F.normalize(self.embed(x.mean((2, 3))), dim=-1)
        similarity = z @ F.normalize(self.prototypes, dim=-1).mT  # Eq. 4; Eq. 5 is its softmax
        kept = keep_top(similarity, self.top_clusters)
        alpha = softmax_over(similarity, kept)[..., None]  # Eq. 6
        drawn = self.mu if noise is None else self.mu + self.log_sigma.exp() * noise
        tokens = alpha * drawn  # the summands of Eq. 7
        g = z + self.cross(z[:, None], tokens, kept)[:, 0]  # Eq. 8
        logits = torch.einsum("bc,nmc->bnm", g, self.gate) + self.gate_bias  # Eq. 9
        return alpha * softmax_over(logits, keep_top(logits, self.top_experts)), tokens, kept  # Eq. 10


class MoE(nn.Module):
    """Adds to the features the output of the experts that the router chose, Eq. 3."""

    def __init__(self, C, stage, config):
        super().__init__()
        self.norm, self.router = ChannelNorm(C), PCGRM(C, stage, config)
        self.experts = nn.ModuleList(GatedFFN(C, config.expert_ratio) for _ in range(config.clusters[stage] * config.experts))

    def forward(self, x, noise=None):
        weights, tokens, kept = self.router(x, noise)  # of x itself: a norm would hide its brightness
        normed, y = self.norm(x), x
        for weight, expert in zip(weights.flatten(1).unbind(1), self.experts):
            samples = weight.nonzero()[:, 0]
            if len(samples):
                y = y.index_add(0, samples, weight[samples, None, None, None] * expert(normed[samples]))
        return y, tokens, kept


class PGB(nn.Module):
    """Mixes learned components into a spatial prompt, weighted by a semantic one [B,C]."""

    def __init__(self, C, length, side):
        super().__init__()
        self.components = nn.Parameter(torch.rand(length, C, side, side))
        self.weights, self.conv = nn.Linear(C, length), conv(C, C, 3)

    def forward(self, prompt, size):
        mixed = torch.einsum("bl,lchw->bchw", self.weights(prompt).softmax(-1), self.components)
        return self.conv(F.interpolate(mixed, size=size, mode="bilinear", align_corners=False))


class FSB(nn.Module):
    """Splits LL with a low-pass filter computed for each sample and group of channels."""

    def __init__(self, C, kernel, groups):
        super().__init__()
        self.kernel, self.groups = kernel, groups
        self.conv, self.bn = conv(C, groups * kernel**2, 1), nn.BatchNorm2d(groups * kernel**2)

    def forward(self, ll):
        taps = self.bn(self.conv(ll.mean((2, 3), keepdim=True))).unflatten(1, (self.groups, -1)).flatten(2).softmax(-1)  # Eq. 11
        around = F.unfold(F.pad(ll, [self.kernel // 2] * 4, mode="reflect"), self.kernel)
        around = around.unflatten(1, (self.groups, -1, self.kernel**2))  # [B,G,C/G,k²,H·W]
        low = torch.einsum("bgckp,bgk->bgcp", around, taps).reshape(ll.shape)  # Eq. 12
        return low, ll - low  # Eq. 13


class Fuse(nn.Module):
    """The adaptive fusion of Eq. 14. It starts at zero, which leaves the spectrum unchanged."""

    def __init__(self, inputs, C):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(inputs, C, 1), nn.Conv2d(C, C, 1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, *parts):
        return self.conv2(F.leaky_relu(self.conv1(torch.cat(parts, 1)), 0.1))


class DAFMM(nn.Module):
    """Injects a prompt, and modulates low and high frequencies separately."""

    def __init__(self, C, level, config):
        super().__init__()
        self.pgb = PGB(C, config.prompt_len, config.prompt_size[level])
        self.inject = conv(2 * C, C, 1)
        self.fsb = FSB(C, config.fsb_kernel, config.fsb_groups)
        self.amplitude, self.phase = Fuse(2 * C, C), Fuse(4 * C, C)
        self.gate = nn.Conv2d(C, 3 * C, 1)

    def forward(self, x, prompt):
        ll, *bands = haar(self.inject(torch.cat((x, self.pgb(prompt, x.shape[2:])), 1)))
        low, high = self.fsb(ll)
        gated = torch.sigmoid(self.gate(high)) * torch.cat(bands, 1)  # Eq. 15
        return x + inverse_haar(self.modulate(ll, low), *gated.chunk(3, 1))

    def modulate(self, ll, low):
        """Eq. 14 as a learned multiplier of LL's spectrum. Differs from the paper: it uses
        log amplitudes and phasors, since angles are discontinuous."""
        spectrum, amplitude, phasor = polar(ll)
        _, low_amplitude, low_phasor = polar(low)
        gain = self.amplitude(amplitude, low_amplitude)
        turn = self.phase(phasor.real, phasor.imag, low_phasor.real, low_phasor.imag)
        return torch.fft.irfft2(spectrum * torch.polar(1 + gain, turn), s=ll.shape[2:], norm="ortho")


def polar(x):
    """Returns the orthonormal spectrum z of x, log(1+|z|) and z/|z|. |z| is never 0, so
    that phases fade out as z does."""
    z = torch.fft.rfft2(x, norm="ortho")
    size = (z.real.square() + z.imag.square() + 1e-4).sqrt()
    return z, size.log1p(), z / size


class ClusIR(nn.Module):
    """Four encoder stages with routed experts, three decoder levels with modulated
    frequencies, and a residual."""

    def __init__(self, config=Config()):
        super().__init__()
        self.config, C = config, [config.width(stage) for stage in range(4)]

        def blocks(stage, n):
            return nn.Sequential(*(WTB(C[stage], config.heads[stage], config.ffn_ratio) for _ in range(n)))

        self.stem = conv(3, C[0], 3)
        self.encoder = nn.ModuleList(blocks(l, config.enc_blocks[l]) for l in range(4))
        self.down = nn.ModuleList(conv(C[l], C[l] // 2, 3) for l in range(3))
        if config.use_moe:
            self.moe = nn.ModuleList(MoE(C[l], l, config) for l in range(4))
        if config.use_dafmm:
            self.semantic = nn.ModuleList(TokenAttention(C[l], C[3], config.heads[l]) for l in range(3))
            self.dafmm = nn.ModuleList(DAFMM(C[l], l, config) for l in range(3))
        self.up = nn.ModuleList(conv(C[l + 1], 2 * C[l + 1], 3) for l in range(3))
        self.skip = nn.ModuleList(conv(2 * C[l], C[l], 1) for l in range(3))
        self.decoder = nn.ModuleList(blocks(l, config.dec_blocks[l]) for l in range(3))
        self.refine = blocks(0, config.refine_blocks)
        self.head = conv(C[0], 3, 3)
        nn.init.zeros_(self.head.weight)

    def forward(self, image, noise=None):
        """Restores image [B,3,H,W] in 0..1, sides multiples of 16. In training, noise has
        a tensor [B,N,C] of standard normal numbers for each stage."""
        x, skips, routes = self.stem(image), [], []
        for l, stage in enumerate(self.encoder):
            x = stage(x)
            if self.config.use_moe:
                x, *route = self.moe[l](x, noise and noise[l])
                routes.append(route)
            if l < 3:
                skips.append(x)
                x = F.pixel_unshuffle(self.down[l](x), 2)
        for l in (2, 1, 0):
            x = self.skip[l](torch.cat((F.pixel_shuffle(self.up[l](x), 2), skips[l]), 1))
            if self.config.use_dafmm:
                x = self.dafmm[l](x, self.prompt(l, *routes[l], *routes[3]))
            x = self.decoder[l](x)
        return image + self.head(self.refine(x))

    def prompt(self, level, tokens, kept, last_tokens, last_kept):
        """Returns the semantic prompt [B,C] of a decoder level: its stage's kept tokens,
        which attend to those of the last stage."""
        return ((tokens + self.semantic[level](tokens, last_tokens, last_kept)) * kept[..., None]).sum(1)


# A training checkpoint's tensors other than the weights.
_AVERAGE, _OPTIMISER = "ema.", "optim."


def load(path):
    """Returns the network of a file that clusir wrote, in float32 and ready to restore,
    and its Config. It uses the moving average of a training checkpoint that has one."""
    with safe_open(path, "pt") as file:
        fields = json.loads(file.metadata()["config"])
        tensors = {name: file.get_tensor(name).float() for name in file.keys() if not name.startswith(_OPTIMISER)}
    config = Config(**{key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()})
    state = {name: tensors.get(_AVERAGE + name, x) for name, x in tensors.items() if not name.startswith(_AVERAGE)}
    net = ClusIR(config)
    missing, unexpected = net.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]  # clusir counts no batches
    if missing or unexpected:
        raise ValueError(f"{path} does not match its configuration: {missing[:3]} are missing, {unexpected[:3]} are unknown")
    return net.eval(), config


def save(net, path):
    """Writes the network's weights to a file that clusir reads."""
    state = {name: x.detach().float().contiguous().cpu() for name, x in net.state_dict().items() if x.is_floating_point()}
    save_file(state, path, metadata={"config": json.dumps(dataclasses.asdict(net.config))})
