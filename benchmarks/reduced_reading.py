"""What ``LoadImage(reduced=True)`` saves, and what it does to pixels: real persons, the training's augmentation.

``python -m benchmarks.reduced_reading FOLDER`` with the folder of ``coco/`` and ``aic/``. MMPose has no such thing.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import machine, markdown_table
from mmpose_mix.datasets import AicDataset, CocoDataset
from mmpose_mix.transforms import (
    FusingCompose,
    GetBBoxCenterScale,
    LoadImage,
    RandomBBoxTransform,
    RandomFlip,
    RandomHalfBody,
    TopdownAffine,
)
from mmpose_mix.transforms.affine import reduction_for

INPUT_SIZE = (192, 256)
ROUNDS = 20


def pipeline(reduced: bool) -> FusingCompose:
    """The HRNet training's geometry."""
    steps = [GetBBoxCenterScale(), RandomFlip(), RandomHalfBody(), RandomBBoxTransform(), TopdownAffine(INPUT_SIZE)]
    return FusingCompose([LoadImage(reduced=reduced), *steps])


def figures(dataset: Any) -> list[str]:
    """Share of reduced items, µs of an item without and with, and how far reduced inputs are off in grey levels."""
    ways = {reduced: pipeline(reduced) for reduced in (False, True)}
    spent: dict[bool, list[float]] = {False: [], True: []}
    differences, reduced_items = [], 0
    for number in range(ROUNDS * len(dataset)):
        inputs = {}
        for reduced in (False, True) if number % 2 else (True, False):
            item = dataset.get_data_info(number % len(dataset))
            np.random.seed(number)
            start = time.process_time()
            made = ways[reduced](item)
            spent[reduced].append(time.process_time() - start)
            inputs[reduced] = made["img"].astype(np.int64)
        if reduction_for(made["input_scale"], INPUT_SIZE) > 1:
            reduced_items += 1
            differences.append(float(np.abs(inputs[True] - inputs[False]).mean()))
    share = f"{reduced_items / (ROUNDS * len(dataset)):.0%}"
    plain, part = (statistics.mean(spent[reduced]) * 1e6 for reduced in (False, True))
    pixels = f"{statistics.mean(differences):.1f}" if differences else "–"
    return [share, f"{plain:,.0f} µs", f"{part:,.0f} µs", pixels]


def main() -> None:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    rows = []
    for kind, name in ((CocoDataset, "coco"), (AicDataset, "aic")):
        dataset = kind(ann_file=str(folder / name / f"test_{name}.json"), data_prefix={"img": str(folder / name)})
        rows.append([name, *figures(dataset)])
    print(f"{machine()}; input {INPUT_SIZE[0]} x {INPUT_SIZE[1]}, mean CPU time of load to warp\n")
    print(
        markdown_table(["", "items reduced", "whole images", "reduced=True", "grey levels apart, of the reduced"], rows)
    )


if __name__ == "__main__":
    main()
