#!/usr/bin/env python3
"""Sets training images apart to choose weights by.

    scripts/heldout.py DATA OUT

DATA is laid out as scripts/DATASETS.md says, with photographs that are not of BSD in
Train/Denoise and Rain100L's streak maps (norain-N.png) in Train/Derain/streaks. OUT gets a benchmark of each task under
OUT/test, in crops of 176×176, and OUT/exclude.txt, which lists the images that training
must leave out:

    clusir train --config nano-finish --data DATA --set "train.exclude=[$PWD/OUT/exclude.txt]"
    clusir eval --benchmark five-task --data OUT --model runs/nano-finish/last.safetensors

Noise, rain and haze are of the same eight photographs. Rain is composed of streak maps
as Rain100L is; haze is of a smooth random depth (Koschmieder's law).
"""

import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

COUNT, SIZE, SEED = 8, 176, 1
PICTURES = (".jpg", ".png")


def spread(folder, files):
    """COUNT of a folder's files, evenly spaced in the order of their names."""
    files = sorted(files)
    if len(files) < COUNT:
        raise SystemExit(f"{folder}: {len(files)} usable images, but {COUNT} are needed")
    return [files[(2 * i + 1) * len(files) // (2 * COUNT)] for i in range(COUNT)]


def pictures(folder):
    if not folder.is_dir():
        raise SystemExit(f"there is no folder {folder}: lay DATA out as scripts/DATASETS.md says")
    return [f for f in folder.iterdir() if f.suffix in PICTURES]


def crop(file):
    picture = Image.open(file).convert("RGB")
    left, top = (picture.width - SIZE) // 2, (picture.height - SIZE) // 2
    if left < 0 or top < 0:
        raise SystemExit(f"{file} is smaller than {SIZE}×{SIZE}")
    return np.asarray(picture.crop((left, top, left + SIZE, top + SIZE)), dtype=float)


def save(pixels, file):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)).save(file)


def haze(clean, random):
    """clean at a depth of three smooth waves, under a bright airlight."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    depth = 1 - y + sum(
        0.3 * np.sin(2 * np.pi * (random.uniform(-1.5, 1.5) * x + random.uniform(-1.5, 1.5) * y + random.uniform()))
        for _ in range(3))
    depth = (depth - depth.min()) / np.ptp(depth)
    light = np.exp(-random.uniform(0.8, 2) * (0.2 + depth))[..., None]
    return clean * light + random.uniform(204, 255) * (1 - light)


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    train, out = Path(sys.argv[1]) / "Train", Path(sys.argv[2])
    test = out / "test"
    random = np.random.default_rng(SEED)
    used = []

    # The rest of BSDS500 lies under the rain pairs and the test sets.
    photographs = spread(train / "Denoise", (f for f in pictures(train / "Denoise") if not f.stem.isdigit()))
    streaks = spread(train / "Derain/streaks", (train / "Derain/streaks").glob("norain-*.png"))
    for number, (photograph, streak) in enumerate(zip(photographs, streaks), 1):
        clean = crop(photograph)
        name = f"{number:03}.png"
        for folder in ("denoise/bsd68", "denoise/kodak24", "dehaze/target"):
            save(clean, test / folder / name)
        save(clean, test / "derain/Rain100L/target" / f"norain-{name}")
        rain = np.asarray(Image.open(streak).convert("L"), dtype=float)[:SIZE, :SIZE, None]
        save(clean + rain, test / "derain/Rain100L/input" / f"rain-{name}")
        save(haze(clean, random), test / "dehaze/input" / f"{number:03}_1.png")
        used += [photograph.name, streak.name, streak.name.removeprefix("no")]

    for task, clean, degraded, benchmark in (
            ("Deblur", "sharp", "blur", "deblur/gopro"), ("Enhance", "gt", "low", "enhance/lol")):
        for target in spread(train / task / clean, pictures(train / task / clean)):
            input, = (train / task / degraded).glob(target.stem + ".*")
            save(crop(target), test / benchmark / "target" / f"{target.stem}.png")
            save(crop(input), test / benchmark / "input" / f"{target.stem}.png")
            used.append(target.name)
    (out / "exclude.txt").write_text("\n".join(used) + "\n")


if __name__ == "__main__":
    main()
