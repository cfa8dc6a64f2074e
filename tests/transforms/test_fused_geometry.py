"""A flip whose pixels the warp mirrors, beside the flip of the image itself: what differs, and where it is not done."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader

from mmpose_mix.datasets import CombinedDataset
from mmpose_mix.datasets.building import built_transforms
from mmpose_mix.datasets.drawn_index import draw_indices
from mmpose_mix.metainfo import shipped_configs
from mmpose_mix.mixing.draw_keys import augmentation_keys
from mmpose_mix.registry import DATASETS
from mmpose_mix.transforms import (
    FusingCompose,
    GetBBoxCenterScale,
    RandomBBoxTransform,
    RandomFlip,
    RandomHalfBody,
    TopdownAffine,
)
from mmpose_mix.transforms.composing import FusedWarp, fused_steps

DIRECTIONS = ("horizontal", "vertical", "diagonal")
AIC_TO_COCO = [(0, 6), (1, 8), (2, 10), (3, 5), (4, 7), (5, 9), (6, 12), (7, 14), (8, 16), (9, 11), (10, 13), (11, 15)]


def pipeline(exact: bool = False, use_udp: bool = False, to_float32: bool = False) -> list[dict[str, Any]]:
    """The training pipeline of heatmap models, with flips of all directions three times out of four."""
    kind = "UDPHeatmap" if use_udp else "MSRAHeatmap"
    codec = {"type": kind, "input_size": (192, 256), "heatmap_size": (48, 64), "sigma": 2}
    return [
        {"type": "LoadImage", "to_float32": to_float32},
        {"type": "GetBBoxCenterScale"},
        {"type": "RandomFlip", "prob": [0.25] * 3, "direction": list(DIRECTIONS), "exact": exact},
        {"type": "RandomHalfBody"},
        {"type": "RandomBBoxTransform"},
        {"type": "TopdownAffine", "input_size": (192, 256), "use_udp": use_udp},
        {"type": "GenerateTarget", "encoder": codec},
        {"type": "PackPoseInputs", "pack_transformed": True},
    ]


def mixture(samples: Path, pipeline: list[Any], of_sources: tuple[dict[str, Any], ...] = ()) -> CombinedDataset:
    """COCO's and AIC's samples in COCO's keypoints; ``of_sources`` ends the pipelines of both sources."""
    converter = {"type": "KeypointConverter", "num_keypoints": 17, "mapping": AIC_TO_COCO}
    sources = [
        {
            "type": kind,
            "data_root": str(samples / name),
            "ann_file": f"test_{name}.json",
            "pipeline": [*steps, *of_sources],
        }
        for name, kind, steps in (("coco", "CocoDataset", []), ("aic", "AicDataset", [converter]))
    ]
    metainfo = {"from_file": str(shipped_configs() / "_base_" / "datasets" / "coco.py")}
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        return DATASETS.build(
            {"type": "CombinedDataset", "metainfo": metainfo, "datasets": sources, "pipeline": copy.deepcopy(pipeline)}
        )


def packed_items(dataset: CombinedDataset, count: int) -> list[dict[str, Any]]:
    """``count`` items that two workers make, each with the randomness of its own key."""
    places = (np.arange(count) % len(dataset)).tolist()
    keys = augmentation_keys(0, np.arange(count)).tolist()
    loader = DataLoader(
        dataset, batch_size=None, sampler=draw_indices(places, keys=keys), num_workers=2, collate_fn=lambda item: item
    )
    return list(loader)


def annotations_of(item: dict[str, Any]) -> dict[str, Any]:
    """All numbers of a packed item but the pixels."""
    sample = item["data_samples"]
    seen = {key: sample.get(key) for key in ("flip", "flip_direction", "input_center", "input_scale", "img_shape")}
    for part in (sample.gt_instances, sample.gt_instance_labels, sample.gt_fields):
        seen.update(part.items())
    return {key: np.asarray(value) for key, value in seen.items()}


@pytest.fixture(scope="module")
def training_items(pose_samples: Path) -> dict[str, list[dict[str, Any]]]:
    """200 training items three times with the same draws: fused, exact, and one transform after another."""
    fused, exact = mixture(pose_samples, pipeline()), mixture(pose_samples, pipeline(exact=True))
    plain = mixture(pose_samples, pipeline())
    plain.pipeline = Compose(plain.pipeline.transforms)
    return {name: packed_items(data, 200) for name, data in (("fused", fused), ("exact", exact), ("plain", plain))}


def differences(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> np.ndarray:
    """By how much each pixel value of the flipped items differs, flat."""
    pairs = [(a["inputs"], b["inputs"]) for a, b in zip(first, second) if a["data_samples"].flip]
    return np.concatenate([(a.float() - b.float()).abs().numpy().ravel() for a, b in pairs])


def test_two_hundred_training_items_have_the_numbers_of_the_two_steps(training_items: Any) -> None:
    directions = set()
    for ways in zip(*training_items.values()):
        fused, *others = map(annotations_of, ways)
        directions.add(fused["flip_direction"].item())
        for other in others:
            assert fused.keys() == other.keys()
            for key, value in fused.items():
                np.testing.assert_array_equal(value, other[key], err_msg=key)
    assert directions == {*DIRECTIONS, None}


def test_two_hundred_training_items_of_mapped_columns_made_together_are_those_of_the_plain_way(
    pose_samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MMPOSE_MIX_CACHE", "off")
    plain = mixture(pose_samples, pipeline())
    plain.pipeline = Compose(plain.pipeline.transforms)
    monkeypatch.setenv("MMPOSE_MIX_CACHE", str(tmp_path))
    mixture(pose_samples, [])  # writes the columns
    quick = mixture(pose_samples, pipeline(exact=True))
    assert [source.persons.origin is None for source in plain.datasets] == [True, True]
    assert [source.persons.origin is None for source in quick.datasets] == [False, False]

    places = (np.arange(200) % len(plain)).tolist()
    indices = draw_indices(places, keys=augmentation_keys(1, np.arange(200)).tolist())
    for start in range(0, 200, 25):
        batch = indices[start : start + 25]
        for index, item in zip(batch, quick.__getitems__(batch)):
            expected = plain[index]
            assert torch.equal(item["inputs"], expected["inputs"])
            seen, wanted = annotations_of(item), annotations_of(expected)
            assert seen.keys() == wanted.keys()
            for key, value in wanted.items():
                np.testing.assert_array_equal(seen[key], value, err_msg=key)
            assert set(item["data_samples"].metainfo_keys()) == set(expected["data_samples"].metainfo_keys())


def test_exact_training_items_have_the_pixels_of_the_two_steps(training_items: Any) -> None:
    for exact, plain in zip(training_items["exact"], training_items["plain"]):
        assert torch.equal(exact["inputs"], plain["inputs"])


def test_fused_training_items_have_those_pixels_within_a_grey_level(training_items: Any) -> None:
    """OpenCV 5 interpolates in float32: no value is off by more than one level. OpenCV 4 rounds coordinates to 1/32
    pixel, and half of a 32nd is rounded the other way in a mirrored image: hence the 99 %."""
    fused, plain = training_items["fused"], training_items["plain"]
    off = differences(fused, plain)
    assert off.size > 100 * 3 * 192 * 256
    assert (off <= 1).mean() >= 0.99
    assert off.mean() < 0.02
    unflipped = [(a, b) for a, b in zip(fused, plain) if not a["data_samples"].flip]
    assert all(torch.equal(a["inputs"], b["inputs"]) for a, b in unflipped)


@pytest.mark.parametrize(("use_udp", "to_float32"), [(True, False), (False, True)])
def test_udp_and_float32_images_are_fused_as_well(pose_samples: Path, use_udp: bool, to_float32: bool) -> None:
    ways = [mixture(pose_samples, pipeline(exact, use_udp, to_float32)) for exact in (False, True)]
    fused, exact = ([data[index] for index in draw_indices(range(12), keys=range(12))] for data in ways)
    off = differences(fused, exact)
    assert (off <= 1).mean() >= 0.99
    assert off.mean() < 0.05
    for one, other in zip(fused, exact):
        np.testing.assert_array_equal(annotations_of(one)["transformed_keypoints"],
                                      annotations_of(other)["transformed_keypoints"])  # fmt: skip


@pytest.mark.parametrize("exact", [False, True])
def test_a_flip_in_the_pipelines_of_sources_is_right_where_the_warp_is_the_mixtures(
    pose_samples: Path, exact: bool
) -> None:
    whole = pipeline(exact)
    split = mixture(pose_samples, whole[3:], of_sources=tuple(whole[:3]))
    joint = mixture(pose_samples, pipeline(exact=True))
    indices = draw_indices(range(len(joint)), keys=range(len(joint)))
    for place in indices:
        assert torch.equal(split[place]["inputs"], joint[place]["inputs"])


class Looking(BaseTransform):
    """A user's transform: it keeps the sample that it sees, and drops it if told so."""

    def __init__(self, drop: bool = False) -> None:
        self.seen: list[dict[str, Any]] = []
        self.drop = drop

    def transform(self, results: dict) -> Any:
        self.seen.append(dict(results))
        return None if self.drop else results


class LookingAtBoxes(Looking):
    """The same, said not to look at pixels."""

    reads_pixels = False


class HalfBodyAndPixels(RandomHalfBody):
    """A user's subclass with a ``transform`` of its own: what is known of its parent is not known of it."""

    def transform(self, results: dict) -> dict:
        results["mean"] = results["img"][0].mean()
        return super().transform(results)


class AfterTheFlip(RandomFlip):
    """A user's flip that does something else as well."""

    def transform(self, results: dict) -> dict:
        return {**super().transform(results), "after": True}


def kinds_of_steps(*transforms: Any) -> list[str]:
    return [type(step).__name__ for step in fused_steps(transforms)]


WARP = TopdownAffine(input_size=(24, 32))
FLIP = RandomFlip(prob=1.0)


@pytest.mark.parametrize(
    ("transforms", "kinds"),
    [
        ((FLIP, WARP), ["FusedWarp"]),
        ((FLIP, RandomHalfBody(), RandomBBoxTransform(), WARP, FLIP), ["FusedWarp", "RandomFlip"]),
        ((FLIP, GetBBoxCenterScale(), LookingAtBoxes(), WARP), ["FusedWarp"]),
        ((FLIP, FLIP, WARP), ["RandomFlip", "FusedWarp"]),
        ((FLIP, WARP, FLIP, WARP), ["FusedWarp", "FusedWarp"]),
        ((FLIP, RandomHalfBody()), ["RandomFlip", "RandomHalfBody"]),
        ((WARP, FLIP), ["TopdownAffine", "RandomFlip"]),
        ((FLIP, Looking(), WARP), ["RandomFlip", "Looking", "TopdownAffine"]),
        ((FLIP, len, WARP), ["RandomFlip", "builtin_function_or_method", "TopdownAffine"]),
        ((FLIP, HalfBodyAndPixels(), WARP), ["RandomFlip", "HalfBodyAndPixels", "TopdownAffine"]),
        ((AfterTheFlip(prob=1.0), WARP), ["AfterTheFlip", "TopdownAffine"]),
        ((RandomFlip(exact=True), WARP), ["RandomFlip", "TopdownAffine"]),
    ],
)
def test_pixels_are_left_to_the_warp_only_where_nobody_can_look(transforms: Any, kinds: list[str]) -> None:
    assert kinds_of_steps(*transforms) == kinds


@pytest.fixture
def boxed(person: Any) -> Any:
    """The function that makes a drawn person with center and scale."""
    return lambda **changes: GetBBoxCenterScale()(person(**changes))


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_transform_that_may_look_sees_the_mirrored_image(direction: str, boxed: Any) -> None:
    flip, looking = RandomFlip(prob=1.0, direction=direction), Looking()
    sample = boxed()
    FusingCompose([flip, looking, WARP])(dict(sample))
    (seen,) = looking.seen
    np.testing.assert_array_equal(seen["img"], flip(dict(sample))["img"])


@pytest.mark.parametrize("use_udp", [False, True])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_pixels_and_mask_go_where_the_keypoints_go(direction: str, use_udp: bool, boxed: Any) -> None:
    sample = boxed(img_mask=np.arange(90 * 120, dtype=np.uint8).reshape(90, 120), bbox_rotation=np.float32([25]))
    sample["img"] = cv2.GaussianBlur(sample["img"], (9, 9), 3)
    flip, warp = RandomFlip(prob=1.0, direction=direction), TopdownAffine(input_size=(48, 64), use_udp=use_udp)
    fused, apart = FusingCompose([flip, warp])(dict(sample)), warp(flip(dict(sample)))
    assert fused.keys() == apart.keys()
    for key in apart.keys() - {"img"}:
        np.testing.assert_array_equal(fused[key], apart[key], err_msg=key)
    off = np.abs(fused["img"].astype(int) - apart["img"])
    assert (off <= 1).mean() >= 0.99
    assert off.max() <= 2 * 255 / 32  # OpenCV 4 at the edge of the image, off by a 32nd along both axes
    not_mirrored = np.abs(warp(dict(sample))["img"].astype(int) - apart["img"])
    assert not_mirrored.mean() > 5


def test_a_dropped_sample_stays_as_it_came(boxed: Any) -> None:
    given = boxed()
    before = copy.deepcopy(given)
    assert FusingCompose([FLIP, LookingAtBoxes(drop=True), WARP])(given) is None
    assert given.keys() == before.keys()
    for key, value in before.items():
        np.testing.assert_array_equal(given[key], value)


def test_transforms_called_one_by_one_or_changed_afterwards_show_no_half_done_sample(boxed: Any) -> None:
    looking = Looking()
    composed = FusingCompose([FLIP, WARP])
    one_by_one = composed.transforms[0](boxed())
    np.testing.assert_array_equal(one_by_one["img"], boxed()["img"][:, ::-1])
    composed(boxed())
    composed.transforms.insert(1, looking)
    composed(boxed())
    np.testing.assert_array_equal(looking.seen[0]["img"], boxed()["img"][:, ::-1])
    composed.transforms.pop()
    np.testing.assert_array_equal(composed(boxed())["img"], boxed()["img"][:, ::-1])


def test_the_pipelines_of_data_sets_fuse_and_show_the_transforms_that_they_were_given(pose_samples: Path) -> None:
    given = built_transforms([{**step, "type": f"mmpose_mix.{step['type']}"} for step in pipeline()[:-2]], "pipeline")
    data = mixture(pose_samples, [])
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        held = CombinedDataset(data.metainfo, [data], pipeline=given)
    assert held.pipeline.transforms == given
    assert isinstance(held.pipeline, FusingCompose)
    assert any(isinstance(step, FusedWarp) for step in fused_steps(held.pipeline.transforms))


def test_exact_is_true_or_false() -> None:
    with pytest.raises(ValueError, match="RandomFlip: exact='yes' must be True or False"):
        RandomFlip(exact="yes")
