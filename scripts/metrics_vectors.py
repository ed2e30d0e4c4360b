"""Expected PSNR and SSIM values, computed by scikit-image.

    metrics_vectors.py OUT                     the small synthetic set of internal/metrics/testdata
    metrics_vectors.py OUT RESTORED CLEAN      two folders with the same file names
    metrics_vectors.py OUT CLEAN               one folder, each picture against a noisy copy of itself

Writes OUT/vectors.json and the pictures it names: 8-bit ones as PNG, others as raw
little-endian float32 [C,H,W].
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity


def luma(rgb):
    """BT.601 as in MATLAB's rgb2ycbcr, in [16, 235] / 255."""
    return (rgb @ np.array([65.481, 128.553, 24.966]) + 16) / 255


def measure(a, b):
    """The metrics of two float64 pictures [H,W,C] of range 1."""

    def ssim(x, y, axis, **kw):
        if min(x.shape[:2]) < (11 if kw else 7):
            return None
        return structural_similarity(x, y, channel_axis=axis, data_range=1, **kw)

    gaussian = dict(gaussian_weights=True)
    row = {
        "psnr": peak_signal_noise_ratio(a, b, data_range=1),
        "ssim": ssim(a, b, 2),
        "ssim_gaussian": ssim(a, b, 2, **gaussian),
    }
    if a.shape[2] == 3:
        # The program keeps luma in float32, like every picture.
        ya, yb = (luma(x).astype(np.float32).astype(np.float64) for x in (a, b))
        row |= {
            "psnr_y": peak_signal_noise_ratio(ya, yb, data_range=1),
            "ssim_y": ssim(ya, yb, None),
            "ssim_gaussian_y": ssim(ya, yb, None, **gaussian),
        }
    return row


def store(out, name, picture):
    """Writes [H,W,C] and returns the file's name and the values in range 1."""
    if picture.dtype == np.uint8:
        path = f"{name}.png"
        Image.fromarray(picture.squeeze()).save(out / path, optimize=True)
        # The program's pictures are float32.
        return path, (picture / 255).astype(np.float32).astype(np.float64)
    path = f"{name}.f32"
    picture = picture.astype("<f4")
    picture.transpose(2, 0, 1).tofile(out / path)
    return path, picture.astype(np.float64)


def vector(out, name, restored, clean):
    a, x = store(out, f"{name}_a", restored)
    b, y = store(out, f"{name}_b", clean)
    h, w, c = clean.shape
    return {"name": name, "a": a, "b": b, "c": c, "h": h, "w": w, **measure(x, y)}


def noisy(clean, sigma, rng):
    return np.clip(clean + rng.normal(0, sigma, clean.shape), 0, 255).astype(np.uint8)


def scene(h, w, c):
    """Gradients, a hard edge, fine texture and a flat patch."""
    y, x = np.mgrid[0:h, 0:w]
    planes = []
    for k in range(c):
        p = 40 + 150 * x / w + 30 * np.sin((k + 2) * y / 3) * (x > w / 2)
        p[h // 3 : h // 2, : w // 3] = 230 - 60 * k
        planes.append(p)
    return np.clip(np.stack(planes, 2), 0, 255).astype(np.uint8)


def synthetic(out):
    rng = np.random.default_rng(7)
    cases = []
    for name, (h, w, c), sigma in [
        ("rgb", (33, 47, 3), 25),
        ("grey", (21, 64, 1), 10),
        ("seven", (7, 9, 3), 15),  # one row of 7×7 windows, none of 11×11
        ("eleven", (11, 11, 3), 50),
    ]:
        clean = scene(h, w, c)
        cases.append(vector(out, name, noisy(clean, sigma, rng), clean))
    clean = scene(24, 30, 3)
    # A network's output is not quantised and, before clamping, not in range.
    restored = clean / 255 + rng.normal(0, 0.02, clean.shape)
    cases.append(vector(out, "float", restored, clean))
    # Almost no error on almost no signal, for which E[x²] − μ² loses digits.
    flat = np.full((16, 16, 3), 200, np.uint8)
    cases.append(vector(out, "flat", flat / 255 + rng.normal(0, 1e-4, flat.shape), flat))
    return cases


def pictures(folder):
    suffixes = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
    return {p.stem: p for p in sorted(Path(folder).iterdir()) if p.suffix.lower() in suffixes}


def read(path):
    return np.asarray(Image.open(path).convert("RGB"))


def from_folders(out, folders):
    rng = np.random.default_rng(7)
    cleans = pictures(folders[-1])
    restored = pictures(folders[0]) if len(folders) == 2 else {}
    if len(folders) == 2 and cleans.keys() != restored.keys():
        sys.exit(f"without a partner: {sorted(cleans.keys() ^ restored.keys())}")
    cases = []
    for name, path in cleans.items():
        clean = read(path)
        other = read(restored[name]) if restored else noisy(clean, 25, rng)
        cases.append(vector(out, name, other, clean))
    return cases


def main():
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    cases = from_folders(out, sys.argv[2:]) if len(sys.argv) > 2 else synthetic(out)
    if not cases:
        sys.exit(f"no pictures in {sys.argv[2:]}")
    (out / "vectors.json").write_text(json.dumps(cases, indent=1) + "\n")
    print(f"{len(cases)} pairs in {out / 'vectors.json'}")


main()
