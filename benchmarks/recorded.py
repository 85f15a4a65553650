"""The method on answers that a model really gave: `python -m benchmarks.recorded FILE [--runs N] [--seed N]`.

FILE has a JSON object a line with `confidence` (a share) and `correct` (0 or 1). They are the world: windows are drawn
from them, so that the true risk of every threshold is known. The project carries no such file.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path

import numpy as np

from benchmarks.simulations import DELTA, EDGES, RATE, SLICES, WINDOW, Floats, bands, counted, naive
from governance import tuning


def recorded(confidence: Floats, is_wrong: Floats, *, target: float, runs: int, seed: int) -> dict[str, float]:
    """Per cent of runs in which the certified threshold, and the one a weighted estimate would take, break the target;
    the mean share that goes out, and the most that could."""
    dice = np.random.default_rng(seed)
    share = {edge: float((confidence >= edge).mean()) for edge in SLICES}
    risk = {edge: float(is_wrong[confidence >= edge].mean()) if share[edge] else 0.0 for edge in SLICES}
    start = float(EDGES[np.searchsorted(-EDGES, -np.quantile(confidence, 0.5))])
    broken, others, kept = [], [], []
    for _ in range(runs):
        drawn = dice.integers(0, confidence.size, WINDOW)
        score, wrong = confidence[drawn], is_wrong[drawn] > 0
        out = score >= start
        audit = out & (dice.random(WINDOW) < RATE)
        masks = (out, audit, audit & wrong, ~out, ~out & wrong)
        counts = np.stack([counted(score, mask) for mask in masks], axis=1)
        chosen = tuning.certify(bands(counts), in_force=start, target=target, delta=DELTA).threshold
        other = naive(counts, target=target)["weighted estimate"]
        broken.append(chosen is not None and risk[chosen] > target)
        others.append(other is not None and risk[other] > target)
        kept.append(share[start if chosen is None else chosen])
    return {
        "broken, %": 100 * float(np.mean(broken)), "weighted estimate broken, %": 100 * float(np.mean(others)),
        "coverage": float(np.mean(kept)), "best coverage": max(share[edge] for edge in SLICES if risk[edge] <= target),
    }  # fmt: skip


def main() -> None:
    parser = ArgumentParser(prog="python -m benchmarks.recorded", description="The method on a model's own answers.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--target", type=float, default=0.02)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=17)
    asked = parser.parse_args()
    lines = [json.loads(line) for line in asked.file.read_text().splitlines()]
    confidence = np.array([line["confidence"] for line in lines], dtype=np.float64)
    is_wrong = np.array([not line["correct"] for line in lines], dtype=np.float64)
    found = recorded(confidence, is_wrong, target=asked.target, runs=asked.runs, seed=asked.seed)
    for name, value in found.items():
        print(f"{name}: {value:.3f}")


if __name__ == "__main__":
    main()
