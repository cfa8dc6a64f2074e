"""What is looked at in transforms of colours: once for MMPose (the recorder) and once for this package (the tests)."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import golden_inputs as given
import numpy as np

SEEDS = range(24)


def image() -> np.ndarray:
    """A picture (40, 30, 3) uint8 of smooth colours with some noise."""
    random = np.random.RandomState(4)
    rows, columns = np.mgrid[:40, :30]
    colours = np.stack((rows * 6, columns * 8, 255 - rows * 3 - columns * 4), axis=-1)
    return np.clip(colours + random.randint(-20, 21, (40, 30, 3)), 0, 255).astype(np.uint8)


def observe_colours(registry: ModuleType) -> dict[str, Any]:
    """The image after each transform under each seed, and the generator's next number."""
    seen: dict[str, Any] = {}
    for name in ("YOLOXHSVRandomAug", "PhotometricDistortion"):
        transform = registry.TRANSFORMS.build({"type": name})
        rows = []
        for seed in SEEDS:
            np.random.seed(seed)
            changed = transform({"img": image()})["img"]
            rows.append({"digest": given.digest(np.ascontiguousarray(changed)), "next": np.random.rand()})
        seen[name] = rows
    return seen
