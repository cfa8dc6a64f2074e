"""The written mixture: the same bytes for the same arguments, and annotations as COCO and AIC write them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmpose_mix.toy import AIC_KEYPOINTS, COCO_KEYPOINTS, DrawnMixture, draw_mixture, draw_tiny_mixture

BOTH = [("coco", COCO_KEYPOINTS), ("aic", AIC_KEYPOINTS)]


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> DrawnMixture:
    return draw_mixture(tmp_path_factory.mktemp("drawn"), num_images=12, seed=3, image_size=(160, 120))


def digests(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def content(mixture: DrawnMixture, domain: str, split: str = "train") -> dict:
    return json.loads(mixture.annotations(domain, split).read_text())


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in ("once", "twice"):
        draw_tiny_mixture(tmp_path / name, seed=4)
    assert digests(tmp_path / "once") == digests(tmp_path / "twice")
    draw_tiny_mixture(tmp_path / "other", seed=5)
    assert digests(tmp_path / "once") != digests(tmp_path / "other")


def test_more_images_do_not_change_the_first_ones(tmp_path):
    draw_mixture(tmp_path / "few", {"coco_train": 2}, image_size=(96, 72))
    draw_mixture(tmp_path / "many", {"coco_train": 3, "aic_val": 1}, image_size=(96, 72))
    few, many = digests(tmp_path / "few"), digests(tmp_path / "many")
    pictures = [name for name in few if name.endswith(".jpg")]
    assert len(pictures) == 2
    assert all(few[name] == many[name] for name in pictures)


def test_the_four_sets_hold_different_images(mixture):
    first = [sorted(mixture.images(domain, split).glob("*.jpg"))[0] for domain, _ in BOTH for split in ("train", "val")]
    assert len({path.read_bytes() for path in first}) == 4


@pytest.mark.parametrize(("domain", "names"), BOTH)
def test_annotations_are_complete_and_consistent(mixture, domain, names):
    data = content(mixture, domain)
    assert data["categories"][0]["keypoints"] == list(names)
    assert len(data["images"]) == 12
    images = {image["id"]: image for image in data["images"]}
    identities = [annotation["id"] for annotation in data["annotations"]]
    assert len(set(identities)) == len(identities) >= 12
    for annotation in data["annotations"]:
        points = np.reshape(annotation["keypoints"], (-1, 3))
        image = images[annotation["image_id"]]
        labelled = points[:, 2] > 0
        assert len(points) == len(names)
        assert annotation["num_keypoints"] == labelled.sum() > 0
        assert (points[~labelled] == 0).all()
        assert (points[labelled, :2] <= (image["width"] - 1, image["height"] - 1)).all()


@pytest.mark.parametrize("domain", ["coco", "aic"])
def test_every_image_of_the_list_is_a_picture_of_the_stated_size(mixture, domain):
    for image in content(mixture, domain)["images"]:
        picture = cv2.imread(str(mixture.images(domain, "train") / image["file_name"]))
        assert picture.shape == (image["height"], image["width"], 3)


def test_coco_notes_the_area_of_its_polygons_and_aic_notes_none(mixture):
    for annotation in content(mixture, "coco")["annotations"]:
        outline = np.zeros((120, 160), dtype=np.uint8)
        for polygon in annotation["segmentation"]:
            cv2.fillPoly(outline, [np.reshape(polygon, (-1, 2)).astype(np.int32)], 1)
        # outer outlines include the gaps that limbs enclose
        assert 0.9 * annotation["area"] <= outline.sum() <= 2.0 * annotation["area"]
    keys = {key for annotation in content(mixture, "aic")["annotations"] for key in annotation}
    assert keys == {"id", "image_id", "category_id", "bbox", "keypoints", "num_keypoints"}


def test_the_side_file_knows_head_top_and_neck_of_every_coco_person(mixture):
    truth = json.loads(mixture.side_truth("train").read_text())
    annotations = content(mixture, "coco")["annotations"]
    assert set(truth) == {str(annotation["id"]) for annotation in annotations}
    for annotation in annotations:
        side = truth[str(annotation["id"])]
        points = dict(zip(COCO_KEYPOINTS, np.reshape(annotation["keypoints"], (-1, 3))))
        shoulders = [points[f"{name}_shoulder"] for name in ("left", "right")]
        if all(shoulder[2] for shoulder in shoulders) and side["neck"][2]:
            middle = (shoulders[0][:2] + shoulders[1][:2]) / 2
            assert np.hypot(*(middle - side["neck"][:2])) < 0.06 * annotation["bbox"][3] + 1


def test_coco_and_aic_note_the_same_place_for_the_joints_they_share():
    from mmpose_mix.toy.mixture import _annotation
    from mmpose_mix.toy.scene import draw_scene

    for index in range(10):
        for person in draw_scene(np.random.default_rng(index), (160, 120), "aic").people:
            coco, aic = (
                dict(zip(names, np.reshape(_annotation(person, domain, 1, 1)["keypoints"], (-1, 3)).tolist()))
                for domain, names in BOTH
            )
            shared = set(coco) & set(aic)
            assert len(shared) == 12
            assert {name: coco[name] for name in shared} == {name: aic[name] for name in shared}


def test_a_finished_mixture_is_used_again_and_another_one_is_drawn_over(tmp_path):
    arguments = {"num_images": 2, "image_size": (96, 72)}
    assert draw_mixture(tmp_path, **arguments) == DrawnMixture(tmp_path)
    foreign = tmp_path / "coco" / "train" / "notes.txt"
    foreign.write_text("mine")
    before = digests(tmp_path)
    assert draw_mixture(tmp_path, **arguments).reused
    assert digests(tmp_path) == before
    assert draw_mixture(tmp_path, seed=1, **arguments) == DrawnMixture(tmp_path, replaced=True)
    assert digests(tmp_path) != before
    assert foreign.read_text() == "mine"


def test_a_mixture_that_lost_a_file_or_was_interrupted_is_drawn_again(tmp_path):
    arguments = {"num_images": 2, "image_size": (96, 72)}
    mixture = draw_mixture(tmp_path, **arguments)
    before = digests(tmp_path)
    sorted(mixture.images("aic", "val").glob("*.jpg"))[0].unlink()
    assert not draw_mixture(tmp_path, **arguments).reused
    assert digests(tmp_path) == before

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_mixture(tmp_path, seed=2, progress=interrupt, **arguments)
    assert not draw_mixture(tmp_path, seed=2, **arguments).reused


def test_the_progress_call_counts_to_the_total(tmp_path):
    calls = []
    draw_mixture(
        tmp_path, {"coco_train": 2, "aic_train": 1}, image_size=(96, 72), progress=lambda *call: calls.append(call)
    )
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_a_data_set_of_somebody_else_is_left_alone(tmp_path):
    annotations = tmp_path / "coco" / "annotations" / "person_keypoints_train.json"
    annotations.parent.mkdir(parents=True)
    annotations.write_text("{}")
    with pytest.raises(FileExistsError, match=r"not drawn here .*Choose another folder"):
        draw_tiny_mixture(tmp_path)
    assert annotations.read_text() == "{}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"num_images": {"mpii_train": 3}}, r"unknown sets \['mpii_train'\]; the sets are \['coco_train'"),
        ({"num_images": -1}, "negative counts"),
        ({"seed": -2}, "seed=-2 is negative"),
    ],
)
def test_wrong_arguments_are_named(tmp_path, arguments, words):
    with pytest.raises(ValueError, match=words):
        draw_mixture(tmp_path / "none", **arguments)
    assert not (tmp_path / "none").exists()


def test_the_room_needs_neither_torch_nor_mmengine(repository):
    program = (
        "import sys, types\n"
        "package = types.ModuleType('mmpose_mix'); package.__path__ = [sys.argv[1]]\n"
        "sys.modules['mmpose_mix'] = package\n"
        "import mmpose_mix.toy\n"
        "print(sorted({'torch', 'mmengine', 'mmcv', 'pycocotools', 'msgspec'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program, str(repository / "mmpose_mix")]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
