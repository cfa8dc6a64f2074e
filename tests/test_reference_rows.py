"""The table of MMPose's faults in docs/differences.md: complete, true to the tests it names, its last gaps closed."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mmpose_mix.datasets import CombinedDataset
from mmpose_mix.metainfo import parse_pose_metainfo, shipped_configs
from mmpose_mix.registry import MODELS, TRANSFORMS

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs" / "differences.md"
ROWS = [f"3A-{n}" for n in range(1, 11)] + [f"3B-{n}" for n in range(1, 11)] + [f"3C-{n}" for n in range(1, 13)]
METAINFO = shipped_configs() / "_base_" / "datasets"
AIC_TO_COCO = [(0, 6), (1, 8), (2, 10), (3, 5), (4, 7), (5, 9), (6, 12), (7, 14), (8, 16), (9, 11), (10, 13), (11, 15)]
CODEC = {"type": "MSRAHeatmap", "input_size": (48, 64), "heatmap_size": (12, 16), "sigma": 1}


def table_rows() -> dict[str, list[str]]:
    """Row name -> the test ids of its last column."""
    rows = {}
    for line in PAGE.read_text().splitlines():
        found = re.match(r"\| (3[ABC]-\d+) \|.*\|([^|]*)\|$", line)
        if found:
            rows[found[1]] = re.findall(r"`(tests/[^`]+)`", found[2])
    return rows


@cache
def names_in(path: Path) -> frozenset[str]:
    """``test_x`` and ``TestY::test_x`` of a file."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        names |= {prefix + part.name for part in inner if isinstance(part, ast.FunctionDef)}
    return frozenset(names)


def test_every_row_has_a_test() -> None:
    rows = table_rows()
    assert list(rows) == ROWS
    assert not [row for row, tests in rows.items() if not tests]


@pytest.mark.parametrize("row", ROWS)
def test_the_tests_of_a_row_exist(row: str) -> None:
    for test in table_rows()[row]:
        file, _, name = test.partition("::")
        assert (REPOSITORY / file).is_file(), test
        assert name in names_in(REPOSITORY / file), test


def test_parity_tests_name_sections_that_exist() -> None:
    sections = {title.lower() for title in re.findall(r"^### (.+)$", PAGE.read_text(), re.MULTILINE)}
    named = set()
    for path in (REPOSITORY / "tests" / "golden").glob("test_*.py"):
        named |= set(re.findall(r"docs/differences\.md, ([^:]+):", path.read_text()))
    assert named
    assert not {name for name in named if not any(name in section for section in sections)}


def aic_person() -> dict[str, Any]:
    """An item as ``AicDataset`` gives it, with its image: 14 keypoints in sight, 64 x 48 pixels."""
    meta = parse_pose_metainfo({"from_file": str(METAINFO / "aic.py")})
    points = np.random.RandomState(0).rand(1, 14, 2) * (40, 56) + 4
    return {
        "id": 0,
        "img_id": 0,
        "img": np.random.RandomState(1).randint(0, 255, (64, 48, 3)).astype(np.uint8),
        "img_shape": (64, 48),
        "bbox": np.array([[0, 0, 47, 63]], np.float32),
        "bbox_score": np.ones(1, np.float32),
        "keypoints": points.astype(np.float32),
        "keypoints_visible": np.ones((1, 14), np.float32),
        "dataset_name": "aic",
        "flip_indices": meta["flip_indices"],
    }


class Persons(list):
    """A source that is a list of items and runs a pipeline on copies of them."""

    def __init__(self, *pipeline: dict[str, Any]) -> None:
        super().__init__([aic_person()])
        self.transforms = [TRANSFORMS.build(config) for config in pipeline]

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = dict(super().__getitem__(index))
        for transform in self.transforms:
            item = transform(item)
        return item


def converter(mapping: list[Any]) -> dict[str, Any]:
    return {"type": "KeypointConverter", "num_keypoints": 17, "mapping": mapping}


def training_samples(*sources: Persons) -> list[Any]:
    pipeline = [
        {"type": "GetBBoxCenterScale"},
        {"type": "TopdownAffine", "input_size": (48, 64)},
        {"type": "GenerateTarget", "encoder": CODEC},
        {"type": "PackPoseInputs"},
    ]
    mixture = CombinedDataset(
        {"from_file": str(METAINFO / "coco.py")}, list(sources), [TRANSFORMS.build(config) for config in pipeline]
    )
    return [mixture[index]["data_samples"] for index in range(len(mixture))]


def test_3a_9_the_source_of_every_sample_reaches_the_model() -> None:
    first, second = Persons(converter(AIC_TO_COCO)), Persons(converter(AIC_TO_COCO))
    samples = training_samples(first, second)
    assert [sample.source for sample in samples] == [0, 1]
    assert [sample.dataset_name for sample in samples] == ["aic", "aic"]


def test_3b_2_a_flip_in_the_pipeline_of_a_source_keeps_all_keypoints() -> None:
    """With the source's 14 flip indices on 17 keypoints it would leave 14, in a wrong order."""
    flip = {"type": "RandomFlip", "prob": 1.0}
    before = Persons(converter(AIC_TO_COCO))[0]
    flipped = Persons(converter(AIC_TO_COCO), flip)[0]
    partners = parse_pose_metainfo({"from_file": str(METAINFO / "coco.py")})["flip_indices"]
    assert flipped["keypoints"].shape == (1, 17, 2)
    labelled = before["keypoints_visible"][0, partners, 1] > 0
    expected = before["keypoints"][0, partners] * (-1, 1) + (47, 0)
    np.testing.assert_allclose(flipped["keypoints"][0, labelled], expected[labelled], rtol=1e-6)


@pytest.mark.parametrize("mapping", [AIC_TO_COCO, []], ids=["body", "nothing"])
def test_3b_9_what_a_source_does_not_label_is_never_taught(mapping: list[Any]) -> None:
    """Neither as a heatmap nor, by way of the label weight, as an invisible keypoint (rows 3A-6 and 3B-9)."""
    (sample,) = training_samples(Persons(converter(mapping)))
    labelled = torch.zeros(17)
    labelled[[target for _, target in mapping]] = 1
    assert torch.equal(sample.gt_instance_labels.keypoints_visible_weights[0], labelled)
    assert torch.equal(sample.gt_instance_labels.keypoint_weights[0], labelled)

    loss = {"type": "KeypointMSELoss", "use_target_weight": True}
    head = MODELS.build(
        {"type": "HeatmapHead", "in_channels": 3, "out_channels": 17, "deconv_out_channels": None, "loss": loss}
    )
    features = torch.from_numpy(np.random.RandomState(2).rand(1, 3, 16, 12).astype(np.float32))
    head.loss((features,), [sample])["loss_kpt"].backward()
    taught = head.final_layer.weight.grad.abs().sum(dim=(1, 2, 3)) > 0
    assert torch.equal(taught, labelled > 0)
