#!/usr/bin/env python3
"""Draws docs/images/campaign.svg: held-out PSNR over the training of the embedded model.

    python3 -m pip install --target build/matplotlib matplotlib
    PYTHONPATH=build/matplotlib python3 scripts/campaign.py
"""

import csv
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
# The colours of internal/palette.
TASKS = {
    "noise, mean of three levels": (("sigma15", "sigma25", "sigma50"), "#0072b2"),
    "rain": (("rain",), "#d55e00"),
    "haze": (("haze",), "#009e73"),
    "blur": (("blur",), "#cc79a7"),
    "low light": (("lowlight",), "#e69f00"),
}


def read(path):
    with open(path, encoding="utf-8") as file:
        lines = (line for line in file if not line.startswith("#"))
        return list(csv.DictReader(lines, delimiter="\t"))


def main():
    rows = read(ROOT / "docs/campaign.tsv")
    patches = [float(row["patches"]) for row in rows]
    plt.rcParams.update({"svg.hashsalt": "clusir", "font.family": "sans-serif", "font.size": 9})
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    means = [0.0] * len(rows)
    for title, (columns, colour) in TASKS.items():
        values = [sum(float(row[c]) for c in columns) / len(columns) for row in rows]
        means = [mean + value / len(TASKS) for mean, value in zip(means, values)]
        axes.plot(patches, values, "o-", color=colour, label=title, markersize=3, linewidth=1.2)
    axes.plot(patches, means, "o-", color="black", label="mean of the five", markersize=4, linewidth=2)
    axes.set_xlabel("patches of 128×128, thousands")
    axes.set_ylabel("PSNR on held-out images, dB")
    axes.grid(color="#e0e0e0", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", frameon=False)
    figure.savefig(ROOT / "docs/images/campaign.svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main()
