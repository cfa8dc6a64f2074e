"""Writes a drawn mixture: one set annotated as COCO is, one as AIC is, with train and val images each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Optional, Union

import cv2
import numpy as np

from mmpose_mix.toy.body import AIC_KEYPOINTS, ALL_KEYPOINTS, COCO_KEYPOINTS
from mmpose_mix.toy.scene import DOMAINS, Person, draw_scene

SPLITS = ("train", "val")
SETS = tuple(f"{domain}_{split}" for domain in DOMAINS for split in SPLITS)
_RECIPE = 1  # raise it when the same seed gives other pictures
_MANIFEST = "drawn_mixture.json"
_QUALITY = 92
_FIRST_ID = {"train": 1, "val": 100_001}
_KEYPOINTS = {"coco": COCO_KEYPOINTS, "aic": AIC_KEYPOINTS}
_ONLY_AIC = ("head_top", "neck")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DrawnMixture:
    """Where a drawn mixture lies.

    Attributes:
        root: folder that holds ``coco/`` and ``aic/``.
        reused: True where the folder already held exactly this mixture.
        replaced: True where the folder held another drawn mixture, or a part of one, that was drawn over.
    """

    root: Path
    reused: bool = False
    replaced: bool = False

    def images(self, domain: str, split: str) -> Path:
        """Folder of the images of ``'coco'`` or ``'aic'``, ``'train'`` or ``'val'``."""
        return self.root / domain / split

    def annotations(self, domain: str, split: str) -> Path:
        """Annotation file in COCO's JSON format."""
        name = {"coco": f"person_keypoints_{split}.json", "aic": f"aic_{split}.json"}[domain]
        return self.root / domain / "annotations" / name

    def side_truth(self, split: str) -> Path:
        """What COCO does not label on its images: ``{annotation id: {"head_top": [x, y, v], "neck": [x, y, v]}}``."""
        return self.root / "coco" / "annotations" / f"head_top_neck_{split}.json"


@dataclass(frozen=True)
class _Recipe:
    recipe: int
    seed: int
    image_size: tuple[int, int]
    num_images: dict[str, int]

    def as_json(self, finished: bool) -> dict:
        return json.loads(json.dumps({**asdict(self), "finished": finished}))


def draw_mixture(
    root: Union[str, Path],
    num_images: Union[int, Mapping[str, int]] = 8,
    seed: int = 0,
    image_size: tuple[int, int] = (320, 240),
    progress: Optional[Progress] = None,
) -> DrawnMixture:
    """Draw people and write them as JPEG files with COCO-style and AIC-style annotations.

    The same arguments give the same bytes, and a set's first images do not depend on how many follow. A folder that
    already holds the mixture is left alone; one that holds another drawn mixture is drawn over; nothing is deleted.

    Args:
        root: folder to write to; made if absent.
        num_images: images per set, one number for all or one for each of ``coco_train``, ``coco_val``, ``aic_train``,
            ``aic_val`` (an absent set gets none).
        seed: 0 or more.
        image_size: (width, height) in pixels.
        progress: called with (images done, images in all) after each image.

    Raises:
        ValueError: unknown sets, negative counts or seed, or an image that is too small.
        FileExistsError: the folder holds a data set that was not drawn by this function.
    """
    root = Path(root)
    plan = _Recipe(_RECIPE, int(seed), (int(image_size[0]), int(image_size[1])), _counts(num_images))
    if seed < 0:
        raise ValueError(f"draw_mixture: seed={seed} is negative; give 0 or more.")
    files = DrawnMixture(root)
    former = _former_manifest(files)
    if former == plan.as_json(finished=True) and _complete(files, plan):
        return DrawnMixture(root, reused=True)
    root.mkdir(parents=True, exist_ok=True)
    (root / _MANIFEST).write_text(json.dumps(plan.as_json(finished=False)))
    total, done = sum(plan.num_images.values()), 0
    for name, count in plan.num_images.items():
        domain, split = name.split("_")
        writer = _SetWriter(files, domain, split)
        for index in range(count):
            rng = np.random.default_rng([plan.seed, SETS.index(name), index])
            writer.add(rng, plan.image_size)
            done += 1
            if progress is not None:
                progress(done, total)
        writer.close()
    (root / _MANIFEST).write_text(json.dumps(plan.as_json(finished=True)))
    return DrawnMixture(root, replaced=former is not None)


def draw_tiny_mixture(root: Union[str, Path], seed: int = 0) -> DrawnMixture:
    """Four small images in each of the four sets, within milliseconds: for tests."""
    return draw_mixture(root, num_images=4, seed=seed, image_size=(160, 120))


def _counts(num_images: Union[int, Mapping[str, int]]) -> dict[str, int]:
    if isinstance(num_images, Mapping):
        unknown = sorted(set(num_images) - set(SETS))
        if unknown:
            raise ValueError(f"draw_mixture: num_images names unknown sets {unknown}; the sets are {list(SETS)}.")
        counts = {name: int(num_images.get(name, 0)) for name in SETS}
    else:
        counts = dict.fromkeys(SETS, int(num_images))
    negative = {name: count for name, count in counts.items() if count < 0}
    if negative:
        raise ValueError(f"draw_mixture: num_images holds negative counts {negative}; give 0 or more.")
    return counts


def _former_manifest(files: DrawnMixture) -> Optional[dict]:
    """What an earlier run noted in the folder, None where there was none."""
    manifest = files.root / _MANIFEST
    if manifest.is_file():
        try:
            return json.loads(manifest.read_text())
        except ValueError as error:
            raise FileExistsError(
                f"{manifest} is not the note of a drawn mixture ({error}). Remove it or choose another folder."
            ) from error
    foreign = [path for domain in DOMAINS for split in SPLITS if (path := files.annotations(domain, split)).exists()]
    if foreign:
        raise FileExistsError(
            f"{files.root} holds a data set that was not drawn here ({', '.join(map(str, foreign))}) and is left as it "
            "is. Choose another folder."
        )
    return None


def _complete(files: DrawnMixture, plan: _Recipe) -> bool:
    """Whether every file of a finished mixture is still there."""
    for name, count in plan.num_images.items():
        domain, split = name.split("_")
        names = {path.name for path in files.images(domain, split).glob("*.jpg")}
        wanted = {_file_name(_FIRST_ID[split] + index) for index in range(count)}
        if not (files.annotations(domain, split).is_file() and wanted <= names):
            return False
    return all(files.side_truth(split).is_file() for split in SPLITS)


def _file_name(image_id: int) -> str:
    return f"{image_id:012d}.jpg"


class _SetWriter:
    """Writes the images of one split of one set one by one, and its annotations at the end."""

    def __init__(self, files: DrawnMixture, domain: str, split: str) -> None:
        self._files, self._domain, self._split = files, domain, split
        self._images: list[dict] = []
        self._annotations: list[dict] = []
        self._side_truth: dict[str, dict] = {}
        files.images(domain, split).mkdir(parents=True, exist_ok=True)
        files.annotations(domain, split).parent.mkdir(parents=True, exist_ok=True)

    def add(self, rng: np.random.Generator, image_size: tuple[int, int]) -> None:
        scene = draw_scene(rng, image_size, self._domain)
        image_id = _FIRST_ID[self._split] + len(self._images)
        name = _file_name(image_id)
        _, encoded = cv2.imencode(".jpg", scene.image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        (self._files.images(self._domain, self._split) / name).write_bytes(encoded.tobytes())
        self._images.append({"id": image_id, "file_name": name, "width": image_size[0], "height": image_size[1]})
        for person in scene.people:
            annotation_id = _FIRST_ID[self._split] + len(self._annotations)
            self._annotations.append(_annotation(person, self._domain, annotation_id, image_id))
            rows = np.reshape(_triples(person, _ONLY_AIC), (-1, 3)).tolist()
            self._side_truth[str(annotation_id)] = dict(zip(_ONLY_AIC, rows))

    def close(self) -> None:
        content = {
            "info": {"description": f"Drawn people, {self._domain.upper()}-style {self._split} set"},
            "licenses": [],
            "categories": [_category(self._domain)],
            "images": self._images,
            "annotations": self._annotations,
        }
        self._files.annotations(self._domain, self._split).write_text(json.dumps(content))
        if self._domain == "coco":
            self._files.side_truth(self._split).write_text(json.dumps(self._side_truth))


def _annotation(person: Person, domain: str, annotation_id: int, image_id: int) -> dict:
    """One person as COCO, or as AIC (which has neither area nor iscrowd nor segmentation), would note it."""
    names = _KEYPOINTS[domain]
    annotation = {
        "id": annotation_id,
        "image_id": image_id,
        "category_id": 1,
        "bbox": person.bbox_xywh.tolist(),
        "keypoints": _triples(person, names),
        "num_keypoints": int(sum(person.flags[ALL_KEYPOINTS.index(name)] > 0 for name in names)),
    }
    if domain == "coco":
        annotation |= {"area": float(person.mask.sum()), "iscrowd": 0, "segmentation": _polygons(person.mask)}
    return annotation


def _triples(person: Person, names: tuple[str, ...]) -> list[float]:
    """x, y, v of each name in a flat list; zeros where not labelled."""
    triples: list[float] = []
    for name in names:
        index = ALL_KEYPOINTS.index(name)
        flag = int(person.flags[index])
        x, y = person.keypoints[index].round(1).tolist() if flag else (0, 0)
        triples += [x, y, flag]
    return triples


def _polygons(mask: np.ndarray) -> list[list[float]]:
    contours = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    outlines = [cv2.approxPolyDP(contour, 0.75, True).reshape(-1) for contour in contours]
    return [outline.astype(float).tolist() for outline in outlines if len(outline) >= 6]


def _category(domain: str) -> dict:
    names = list(_KEYPOINTS[domain])
    return {"id": 1, "name": "person", "supercategory": "person", "keypoints": names, "skeleton": []}
