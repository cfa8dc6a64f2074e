"""Transforms of bottom-up pipelines: MMPose's numbers, and what must hold for any image."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.registry import DefaultScope

from mmpose_mix.codecs import YOLOXPoseAnnotationProcessor
from mmpose_mix.datasets import CombinedDataset
from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms import BottomupRandomAffine, BottomupResize, FilterAnnotations, Mosaic, YOLOXMixUp
from mmpose_mix.transforms.persons import hidden_outside
from tests.in_mmpose_runs import output_of, python_with_mmpose

FLIPS = [0, 2, 1]
# The same in both: seeds, samples, cases, and a digest of what comes out.
BOTH = """
import json, numpy as np
FLIPS = [0, 2, 1]
def sample(seed, persons=3, converted=True):
    random = np.random.RandomState(seed)
    h, w = 40 + 7 * seed, 56 - 3 * seed
    corner = random.uniform(0, 20, (persons, 2))
    visible = random.randint(0, 2, (persons, 3)).astype(np.float32)
    weights = np.stack([visible, np.ones_like(visible)], -1) if converted else visible
    return dict(
        img=random.randint(0, 256, (h, w, 3)).astype(np.uint8), img_shape=(h, w), ori_shape=(h, w),
        bbox=np.hstack([corner, corner + random.uniform(1, 20, (persons, 2))]).astype(np.float32),
        bbox_score=np.ones(persons, np.float32), category_id=np.ones(persons, np.int64), flip_indices=FLIPS,
        keypoints=random.uniform(0, 45, (persons, 3, 2)).astype(np.float32), keypoints_visible=weights,
        area=random.uniform(10, 90, persons).astype(np.float32))
class Others(list):
    def get_data_info(self, index):
        return self[index]
CASES = {
    'affine': dict(type='BottomupRandomAffine', input_size=(64, 48)),
    'udp': dict(type='BottomupRandomAffine', input_size=(64, 48), transform_mode='affine_udp', scale_type='long',
                bbox_keep_corner=False, clip_border=True),
    'perspective': dict(type='BottomupRandomAffine', input_size=(64, 48), shift_factor=0.1, rotate_factor=10,
                        scale_factor=(0.75, 1.0), pad_val=114, distribution='uniform', transform_mode='perspective',
                        bbox_keep_corner=False, clip_border=True),
    'still': dict(type='BottomupRandomAffine', input_size=(64, 48), shift_prob=0, rotate_prob=0, scale_prob=0,
                  scale_type='long', pad_val=(114, 114, 114), bbox_keep_corner=False, clip_border=True),
    'fit': dict(type='BottomupResize', input_size=(64, 64), pad_val=(114, 114, 114)),
    'expand': dict(type='BottomupResize', input_size=(64, 64), resize_mode='expand', use_udp=True),
    'mosaic': dict(type='Mosaic', img_scale=(48, 32), pre_transform=[]),
    'mixup': dict(type='YOLOXMixUp', img_scale=(48, 32), ratio_range=(0.8, 1.6), pre_transform=[]),
    'filter': dict(type='FilterAnnotations', by_kpt=True, by_box=True, min_gt_bbox_wh=(6, 6), min_kpt_vis=2,
                   keep_empty=False),
}
KEYS = ('img', 'img_shape', 'bbox', 'bbox_score', 'category_id', 'keypoints', 'keypoints_visible', 'area',
        'input_size', 'input_center', 'input_scale', 'warp_mat')
def numbers(transforms):
    found = {}
    for name, case in CASES.items():
        for seed in range(4):
            np.random.seed(seed)
            given = dict(sample(seed), dataset=Others([sample(s) for s in (3, 4, 5, 6)]))
            out = transforms.build(dict(case)).transform(given)
            found[f'{name} {seed}'] = {
                k: np.asarray(out[k] if k != 'img_shape' else out[k][:2], dtype=np.float64).tolist()
                for k in KEYS if k in out}
    return found
"""
THEIRS = """
from mmpose.registry import TRANSFORMS
import mmpose.datasets
print('NUMBERS' + json.dumps(numbers(TRANSFORMS)))
"""
WARPED = ("affine", "udp", "perspective", "still")


def test_numbers_are_those_of_mmpose() -> None:
    python = python_with_mmpose()
    if python is None:
        pytest.skip("MMPose is not installed here; name an interpreter that has it by MMPOSE_MIX_PEER_PYTHON")
    said = output_of(BOTH + THEIRS, python=python)
    theirs = json.loads(next(line for line in said.splitlines() if line.startswith("NUMBERS"))[7:])
    space: dict = {}
    exec(BOTH, space)
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        ours = space["numbers"](TRANSFORMS)
    assert set(ours) == set(theirs)
    for case, found in theirs.items():
        for key, wanted in found.items():
            if key == "img_shape" and case.split()[0] in WARPED:  # there MMPose leaves the shape before
                continue
            wanted, got = np.asarray(wanted), np.asarray(ours[case][key])
            assert got.shape == wanted.shape, (case, key)
            if key == "img":  # noise, of which a rounded place may read another pixel
                assert (np.abs(got - wanted) > 4).mean() < 0.01, case
            else:
                assert np.abs(got - wanted).max(initial=0) <= 2e-3, (case, key)


def sample(seed: int = 0) -> dict:
    space: dict = {}
    exec(BOTH, space)
    return space["sample"](seed)


class Others(list):
    def get_data_info(self, index: int) -> dict:
        return self[index]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["affine", "affine_udp", "perspective"]))
def test_a_keypoint_stays_on_the_pixel_that_it_marks(seed: int, mode: str) -> None:
    image = np.zeros((60, 80, 3), dtype=np.uint8)
    image[28:33, 38:43] = 255
    item = {"img": image, "img_shape": (60, 80), "keypoints": np.float32([[[40, 30]]])}
    item["keypoints_visible"] = np.ones((1, 1), dtype=np.float32)
    np.random.seed(seed)
    out = BottomupRandomAffine((80, 60), transform_mode=mode, scale_factor=(0.8, 1.2)).transform(item)
    x, y = out["keypoints"][0, 0]
    if 3 < x < 76 and 3 < y < 56:
        assert out["img"][round(float(y)), round(float(x)), 0] > 100


@pytest.mark.parametrize("transform", [Mosaic(img_scale=(48, 32)), YOLOXMixUp(img_scale=(48, 32))], ids=repr)
def test_a_mixed_image_holds_the_persons_of_all_and_changes_none_of_the_items(transform) -> None:
    others = Others([sample(seed) for seed in (3, 4, 5)])
    given = {**sample(), "dataset": others}
    before = [item["keypoints"].copy() for item in (given, *others)]
    out = transform.transform(given)
    assert len(out["keypoints"]) == len(out["bbox"]) == len(out["area"]) == 3 * (1 + transform.num_aux_image)
    assert all(np.array_equal(item["keypoints"], old) for item, old in zip((given, *others), before))
    assert out["keypoints"].dtype == out["bbox"].dtype == out["area"].dtype == np.float32
    inside = ((out["keypoints"] >= 0) & (out["keypoints"] <= out["img_shape"][::-1])).all(-1)
    assert not out["keypoints_visible"][..., 0][~inside].any()
    assert (out["keypoints_visible"][..., 1] == 1).all()


def test_a_mixture_gives_itself_to_transforms_that_mix_images_and_to_no_other() -> None:
    seen: list = []
    info = {"from_file": "configs/_base_/datasets/coco.py"}
    source = [{"id": number, "dataset_name": "coco"} for number in range(4)]
    CombinedDataset(info, [source], pipeline=[lambda item: seen.append(item.get("dataset")) or item])[0]
    assert seen == [None]

    class Mixing:
        num_aux_image = 1

        def __call__(self, item: dict) -> dict:
            seen.append(item["dataset"])
            return item

    dataset = CombinedDataset(info, [source], pipeline=[Mixing()])
    dataset[0]
    assert seen[1] is dataset


def test_an_image_that_nobody_is_left_in_is_dropped_or_goes_on() -> None:
    strict = {"min_kpt_vis": 4}
    assert FilterAnnotations(**strict).transform(sample()) is None
    assert len(FilterAnnotations(**strict, keep_empty=False).transform(sample())["bbox"]) == 0


def test_boxes_grow_to_their_visible_keypoints() -> None:
    keypoints = np.float32([[[1, 2], [30, 40], [90, 90]]])
    encoded = YOLOXPoseAnnotationProcessor(expand_bbox=True).encode(
        keypoints, np.float32([[1, 1, 0]]), bbox=np.float32([[5, 5, 20, 50]]), category_id=[1]
    )
    assert encoded["bbox"].tolist() == [[1, 2, 30, 50]]
    assert encoded["bbox_labels"].tolist() == [0]


def test_what_is_hidden_keeps_its_label_weight() -> None:
    visible = hidden_outside(np.float32([[[9, 1], [1, 1]]]), np.ones((1, 2, 2), dtype=np.float32), (8, 8))
    assert visible.tolist() == [[[0, 1], [1, 1]]]


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: BottomupRandomAffine((0, 4), shift_prob=2, distribution="x"), "shift_prob=2 must be a number"),
        (lambda: BottomupRandomAffine((4, 4), transform_mode="warp"), "transform_mode='warp' must be one of"),
        (lambda: BottomupResize((60, 64)), "sides that are multiples of size_factor=32"),
        (lambda: BottomupResize((64, 64), resize_mode="fill"), "resize_mode='fill' must be 'fit' or 'expand'"),
        (lambda: Mosaic(img_scale=(0, 4), prob=-1), "prob=-1 must be a number in"),
        (lambda: FilterAnnotations(by_kpt=False), "by_box, by_area and by_kpt are all False"),
        (lambda: Mosaic().transform(sample()), "does not say which data set further images are of"),
    ],
)
def test_what_cannot_be_is_refused(build, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        build()
