"""Images out of which a box far larger than the input is cut are decoded at a part of their size, in place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from mmpose_mix.transforms import (
    FusingCompose,
    GetBBoxCenterScale,
    LoadImage,
    RandomBBoxTransform,
    RandomFlip,
    RandomHalfBody,
    TopdownAffine,
)
from mmpose_mix.transforms.affine import matrix_of_reduced, reduction_for
from mmpose_mix.transforms.loading import size_of_reducible

SIZE = (801, 1203)  # (h, w): odd, so that the last reduced pixels stand for fewer


def smooth_image() -> np.ndarray:
    """An image of slow waves, of which no place looks like another, and every scale shows the same."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    waves = (np.sin(x / 97), np.cos(y / 83), np.sin((x + 2 * y) / 151))
    return np.stack([128 + 100 * wave for wave in waves], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    name = str(tmp_path_factory.mktemp("images") / "smooth.jpg")
    cv2.imwrite(name, smooth_image(), [cv2.IMWRITE_JPEG_QUALITY, 98])
    return name


def person(path: str, bbox: tuple[float, float, float, float]) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    low, high = np.array(bbox[:2]), np.array(bbox[2:])
    points = low + generator.random((1, 17, 2)) * (high - low)
    return {
        "img_path": path,
        "dataset_name": "smooth",
        "bbox": np.array([bbox], dtype=np.float32),
        "keypoints": points.astype(np.float32),
        "keypoints_visible": np.ones((1, 17), dtype=np.float32),
        "flip_indices": list(range(17)),
        "upper_body_ids": list(range(11)),
        "lower_body_ids": list(range(11, 17)),
    }


def pipeline(reduced: bool, *between: Any, use_udp: bool = False) -> FusingCompose:
    steps = [LoadImage(reduced=reduced), GetBBoxCenterScale(), *between, TopdownAffine((48, 64), use_udp=use_udp)]
    return FusingCompose(steps)


def both(path: str, bbox: tuple[float, float, float, float], *between: Any, **options: Any) -> tuple[dict, dict]:
    samples = []
    for reduced in (False, True):
        np.random.seed(5)
        samples.append(pipeline(reduced, *between, **options)(person(path, bbox)))
    return samples[0], samples[1]


LARGE, MIDDLE, SMALL = (200, 100, 700, 780), (200, 100, 340, 290), (200, 100, 240, 150)


@pytest.mark.parametrize("use_udp", [False, True])
@pytest.mark.parametrize("bbox", [LARGE, MIDDLE, SMALL], ids=["an eighth", "a half", "whole"])
@pytest.mark.parametrize("direction", [None, "horizontal", "vertical", "diagonal"])
def test_the_input_shows_the_same_place_to_a_fraction_of_a_pixel(path, bbox, direction, use_udp):
    """The waves change by up to 10 grey levels from one pixel of the input to the next; a half pixel would show."""
    flips = [] if direction is None else [RandomFlip(prob=1.0, direction=direction)]
    whole, part = both(
        path, bbox, *flips, RandomBBoxTransform(rotate_prob=1.0, scale_factor=(0.9, 1.2)), use_udp=use_udp
    )
    difference = np.abs(whole["img"].astype(int) - part["img"].astype(int))
    inside = cv2.erode((whole["img"].min(axis=2) > 8).astype(np.uint8), np.ones((5, 5))).astype(bool)
    assert inside.mean() > 0.5
    assert difference[inside].mean() < 0.6
    assert np.percentile(difference[inside], 99) <= 3
    for key in ("transformed_keypoints", "bbox_center", "input_scale", "input_center", "keypoints"):
        np.testing.assert_array_equal(whole[key], part[key])
    assert part["img_shape"] == part["ori_shape"] == SIZE
    assert part["img"].shape == (64, 48, 3)


def test_a_shift_by_a_part_of_a_reduced_pixel_would_be_seen(path, monkeypatch):
    whole, _ = both(path, LARGE)
    monkeypatch.setattr(
        "mmpose_mix.transforms.affine.matrix_of_reduced",
        lambda matrix, reduction: np.concatenate((matrix[:, :2] * reduction, matrix[:, 2:]), 1),
    )
    shifted = pipeline(True)(person(path, LARGE))
    assert np.abs(whole["img"].astype(int) - shifted["img"].astype(int)).mean() > 1.5


@pytest.mark.parametrize(
    ("scale", "reduction"),
    [
        ((48, 64), 1),
        ((95.9, 200), 1),
        ((96, 128), 2),
        ((400, 255), 2),
        ((192, 256), 4),
        ((384, 512), 8),
        ((9e3, 9e3), 8),
    ],
)
def test_the_reduced_box_has_at_least_the_pixels_of_the_input(scale, reduction):
    assert reduction_for(np.array(scale, dtype=np.float32), (48, 64)) == reduction


def test_a_reduced_pixel_lies_in_the_middle_of_those_that_it_stands_for():
    matrix = np.array([[0.5, 0.1, 3.0], [-0.2, 0.4, 7.0]])
    for reduction in (2, 4, 8):
        place = np.array([5.0, 9.0])
        whole = reduction * place + (reduction - 1) / 2
        np.testing.assert_allclose(
            matrix_of_reduced(matrix, reduction) @ [*place, 1], matrix @ [*whole, 1], rtol=0, atol=1e-12
        )
    assert matrix_of_reduced(matrix, 1) is matrix


def decoded_parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    plain = LoadImage.decoded

    def decoded(self: LoadImage, results: dict, content: bytes, reduction: int = 1) -> Any:
        seen.append(reduction)
        return plain(self, results, content, reduction)

    monkeypatch.setattr(LoadImage, "decoded", decoded)
    return seen


class LooksAtPixels:
    """A user's transform, which has to see the whole image."""

    def __call__(self, results: dict) -> dict:
        assert results["img"].shape[:2] == SIZE
        assert results["img"].any()
        return results


@pytest.mark.parametrize(
    ("bbox", "between", "parts"),
    [
        (LARGE, [RandomFlip(), RandomHalfBody(), RandomBBoxTransform(scale_factor=(1.0, 1.0))], [8]),
        (MIDDLE, [], [2]),
        (SMALL, [], [1]),
        (LARGE, [LooksAtPixels()], [1]),
        (LARGE, [RandomFlip(exact=True)], [1]),
        (LARGE, [RandomFlip(), RandomFlip()], [1]),
    ],
)
def test_an_image_is_read_once_and_reduced_only_where_nobody_looks_at_it(path, bbox, between, parts, monkeypatch):
    seen = decoded_parts(monkeypatch)
    np.random.seed(1)
    assert pipeline(True, *between)(person(path, bbox))["img"].shape == (64, 48, 3)
    assert seen == parts


def test_alone_it_reads_the_whole_image(path):
    sample = LoadImage(reduced=True)(person(path, LARGE))
    assert sample["img"].shape == (*SIZE, 3)
    np.testing.assert_array_equal(sample["img"], LoadImage()(person(path, LARGE))["img"])


@pytest.mark.parametrize("kind", ["png", "turned"])
def test_what_is_no_upright_jpeg_is_read_whole(kind, tmp_path, monkeypatch):
    name = str(tmp_path / ("image.png" if kind == "png" else "image.jpg"))
    image = Image.fromarray(smooth_image())
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(name, **({} if kind == "png" else {"exif": exif}))
    assert size_of_reducible(Path(name).read_bytes()) is None
    seen = decoded_parts(monkeypatch)
    whole, part = both(name, (100, 100, 500, 700))
    np.testing.assert_array_equal(whole["img"], part["img"])
    assert set(seen) == {1}


def test_an_image_that_is_there_is_taken(path):
    sample = {**person(path, LARGE), "img": smooth_image()}
    assert pipeline(True)(dict(sample))["img"].tolist() == pipeline(False)(dict(sample))["img"].tolist()


def test_unreadable_images_are_dropped_or_named(tmp_path):
    broken, absent = tmp_path / "broken.jpg", tmp_path / "absent.jpg"
    broken.write_bytes(b"no image")
    with pytest.raises(OSError, match=r"LoadImage: '.*broken.jpg' \(data set 'smooth', img_id None\) cannot be read"):
        pipeline(True)(person(str(broken), LARGE))
    with pytest.raises(FileNotFoundError, match=r"LoadImage: no file '.*absent.jpg' \(data set 'smooth'"):
        pipeline(True)(person(str(absent), LARGE))
    dropping = FusingCompose(
        [LoadImage(reduced=True, ignore_empty=True), GetBBoxCenterScale(), TopdownAffine((48, 64))]
    )
    for name in (broken, absent):
        sample = person(str(name), LARGE)
        assert dropping(sample) is None
        assert "img" not in sample


@pytest.mark.skipif(int(cv2.__version__.split(".")[0]) < 5, reason="OpenCV 4 fills up what is missing of a JPEG")
def test_a_jpeg_whose_head_is_whole_and_whose_rest_is_not_is_named(path, tmp_path):
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(Path(path).read_bytes()[:700])
    with pytest.raises(OSError, match="cannot be read as an image"):
        pipeline(True)(person(str(cut), LARGE))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"to_float32": True}, "'to_float32': True"),
        ({"color_type": "grayscale"}, "grayscale"),
        ({"imdecode_backend": "pillow"}, "pillow"),
    ],
)
def test_what_cannot_be_reduced_is_refused_when_it_is_built(options, words):
    with pytest.raises(ValueError, match=rf"LoadImage: reduced=True takes .*, not \{{.*{words}"):
        LoadImage(reduced=True, **options)


def test_real_persons_keep_their_place(pose_samples):
    """COCO's and AIC's images are sharp: means differ from single pixels, but places do not."""
    name = str(pose_samples / "aic" / "054d9ce9201beffc76e5ff2169d2af2f027002ca.jpg")
    height, width = cv2.imread(name).shape[:2]
    bbox = (0.1 * width, 0.1 * height, 0.9 * width, 0.9 * height)
    samples = [pipeline(reduced)(person(name, bbox)) for reduced in (False, True)]
    whole, part = (cv2.GaussianBlur(sample["img"], (5, 5), 0).astype(np.float32) for sample in samples)
    assert np.abs(whole - part).mean() < 8
    assert np.corrcoef(whole.ravel(), part.ravel())[0, 1] > 0.98
