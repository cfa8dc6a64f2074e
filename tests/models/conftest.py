"""Small networks and samples for the tests of the models."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmpose_mix.structures import PoseDataSample


def stage(num_branches: int, num_blocks: int, width: int, num_modules: int = 1, block: str = "BASIC") -> dict[str, Any]:
    """One stage of HRNet's ``extra`` with channels width, 2 width, 4 width, ..."""
    return {
        "num_modules": num_modules,
        "num_branches": num_branches,
        "block": block,
        "num_blocks": (num_blocks,) * num_branches,
        "num_channels": tuple(width * 2**branch for branch in range(num_branches)),
    }


def hrnet_extra(width: int, num_blocks: int = 4, num_modules: tuple[int, ...] = (1, 4, 3), stem: int = 64) -> dict:
    """HRNet-w``width``; w32 and w48 with the default depths."""
    return {
        "stage1": stage(1, num_blocks, stem, block="BOTTLENECK"),
        "stage2": stage(2, num_blocks, width, num_modules[0]),
        "stage3": stage(3, num_blocks, width, num_modules[1]),
        "stage4": stage(4, num_blocks, width, num_modules[2]),
    }


@pytest.fixture(autouse=True, scope="package")
def _one_thread():
    """Tiny layers lose more than they gain by threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(name="hrnet_extra", scope="session")
def hrnet_extra_fixture() -> Callable[..., dict]:
    """Makes ``extra`` of an HRNet of any width."""
    return hrnet_extra


@pytest.fixture
def tiny_extra() -> dict:
    """An HRNet of 8 channels, one block and one module everywhere."""
    return hrnet_extra(8, num_blocks=1, num_modules=(1, 1, 1), stem=8)


@pytest.fixture
def make_samples() -> Callable[..., list[PoseDataSample]]:
    """Makes ``count`` samples as they come from packing, with K keypoints and (K, H, W) target heatmaps."""

    def make(count: int, num_keypoints: int = 4, size: tuple[int, int] = (8, 6), seed: int = 0) -> list[PoseDataSample]:
        rng = np.random.default_rng(seed)
        samples = []
        for number in range(count):
            sample = PoseDataSample(
                metainfo={
                    "dataset_name": "coco",
                    "flip_indices": [0, 2, 1, *range(3, num_keypoints)],
                    "input_size": (24, 32),
                    "input_center": np.array([100.0, 200.0], np.float32),
                    "input_scale": np.array([48.0, 64.0], np.float32),
                    "img_id": number,
                }
            )
            box = np.array([[76.0, 168.0, 124.0, 232.0]], np.float32)
            sample.gt_instances = InstanceData(bboxes=box, bbox_scores=np.ones(1, np.float32))
            sample.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, num_keypoints))
            heatmaps = rng.random((num_keypoints, *size), dtype=np.float32)
            sample.gt_fields = PixelData(heatmaps=torch.from_numpy(heatmaps))
            samples.append(sample)
        return samples

    return make
