"""Several images of a data set as one (Bochkovskiy et al. 2020; Ge et al., "YOLOX", 2021), with all their persons."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms.arguments import findings_on_probabilities
from mmpose_mix.transforms.flipping import mirrored_boxes, mirrored_points
from mmpose_mix.transforms.persons import clipped_boxes, hidden_outside, joined_persons, moved_persons

Size = tuple[int, int]


class MixImageTransform(BaseTransform):
    """Mixes an image with others of the same data set, which the sample brings as ``dataset``.

    Args:
        img_scale: (w, h) that each image is fitted into.
        pad_val: grey value where there is no image.
        pre_transform: transforms of the further images, ``LoadImage`` at least.
        prob: how often images are mixed.

    Raises:
        ValueError: if the numbers cannot be; when called, if the sample has no ``dataset``.
    """

    #: Images beside the sample's own. A ``CombinedDataset`` gives itself to transforms that have this.
    num_aux_image = 0

    def __init__(
        self,
        img_scale: Size = (640, 640),
        pad_val: float = 114.0,
        pre_transform: Optional[Sequence[Union[dict, Callable]]] = None,
        prob: float = 1.0,
    ) -> None:
        found = findings_on_probabilities(prob=prob)
        if len(img_scale) != 2 or min(img_scale) < 1:
            found.append(f"img_scale={img_scale!r} must be two numbers (w, h) above 0")
        if found:
            raise ValueError(f"{type(self).__name__}: {'; '.join(found)}.")
        self.img_scale = (int(img_scale[0]), int(img_scale[1]))
        self.pad_val = pad_val
        self.pre_transform = Compose([_built(each) for each in pre_transform or ()])
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Mix ``results`` with others, or not."""
        if np.random.uniform(0, 1) >= self.prob:
            return results
        dataset = results.get("dataset")
        if dataset is None:
            raise ValueError(
                f"{type(self).__name__}: the sample does not say which data set further images are of. Put it into the "
                f"pipeline of the CombinedDataset, and not behind PackPoseInputs."
            )
        places = [np.random.randint(0, len(dataset)) for _ in range(self.num_aux_image)]
        others = [self._further(dataset, place) for place in places]
        image, persons = self.mixed(results, others)
        return {**results, **persons, "img": image, "img_shape": image.shape[:2]}

    @abstractmethod
    def mixed(self, results: dict, others: Sequence[dict]) -> tuple[np.ndarray, dict]:
        """The image and the persons in it."""

    def _further(self, dataset: Any, place: int) -> dict:
        """The item at a place of the data set, after ``pre_transform``; the next one where it is dropped."""
        for step in range(len(dataset)):
            item = dataset.get_data_info((place + step) % len(dataset))
            item = None if item is None else self.pre_transform({**item, "dataset": dataset})
            if item is not None:
                return item
        raise ValueError(f"{type(self).__name__}: the pipelines drop every item of the data set.")

    def _fitted(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        """The image as large as ``img_scale`` allows, and by how much it was scaled."""
        height, width = image.shape[:2]
        factor = min(self.img_scale[0] / width, self.img_scale[1] / height)
        return mmcv.imresize(image, (int(width * factor), int(height * factor))), factor

    def __repr__(self) -> str:
        return f"{type(self).__name__}(img_scale={self.img_scale}, pad_val={self.pad_val}, prob={self.prob})"


@TRANSFORMS.register_module()
class Mosaic(MixImageTransform):
    """Four images around a random centre of a canvas of twice ``img_scale``, each cut off where its quarter ends.

    The sample's own image is at the top left, three further ones at the top right, bottom left and bottom right.

    Args:
        img_scale, pad_val, pre_transform, prob: see :class:`MixImageTransform`.
        center_range: (lowest, highest) place of the centre, in parts of ``img_scale``.
    """

    num_aux_image = 3

    def __init__(
        self,
        img_scale: Size = (640, 640),
        center_range: tuple[float, float] = (0.5, 1.5),
        pad_val: float = 114.0,
        pre_transform: Optional[Sequence[Union[dict, Callable]]] = None,
        prob: float = 1.0,
    ) -> None:
        super().__init__(img_scale, pad_val, pre_transform, prob)
        self.center_range = center_range

    def mixed(self, results: dict, others: Sequence[dict]) -> tuple[np.ndarray, dict]:
        """The mosaic of four images and the persons of all."""
        width, height = 2 * self.img_scale[0], 2 * self.img_scale[1]
        canvas = np.full((height, width, 3), self.pad_val, dtype=results["img"].dtype)
        x, y = (int(np.random.uniform(*self.center_range) * side) for side in self.img_scale)
        groups = []
        for place, item in enumerate((results, *others)):
            image, factor = self._fitted(item["img"])
            h, w = image.shape[:2]
            left = x if place % 2 else x - w
            top = y if place >= 2 else y - h
            x1, y1, x2, y2 = max(left, 0), max(top, 0), min(left + w, width), min(top + h, height)
            canvas[y1:y2, x1:x2] = image[y1 - top : y2 - top, x1 - left : x2 - left]
            groups.append(moved_persons(item, factor, (left, top)))
        return canvas, _within(joined_persons(groups), (width, height))


@TRANSFORMS.register_module()
class YOLOXMixUp(MixImageTransform):
    """The mean of the image and of another one, which is scaled, perhaps mirrored, and cut to the same size at random.

    An image without persons is not mixed in.

    Args:
        img_scale, pad_val, pre_transform, prob: see :class:`MixImageTransform`.
        ratio_range: (lowest, highest) further scale of the other image.
        flip_ratio: how often the other image is not mirrored (MMPose's meaning of this name).
        bbox_clip_border: whether boxes end at the border of the image.
    """

    num_aux_image = 1

    def __init__(
        self,
        img_scale: Size = (640, 640),
        ratio_range: tuple[float, float] = (0.5, 1.5),
        flip_ratio: float = 0.5,
        pad_val: float = 114.0,
        bbox_clip_border: bool = True,
        pre_transform: Optional[Sequence[Union[dict, Callable]]] = None,
        prob: float = 1.0,
    ) -> None:
        super().__init__(img_scale, pad_val, pre_transform, prob)
        self.ratio_range = ratio_range
        self.flip_ratio = flip_ratio
        self.bbox_clip_border = bbox_clip_border

    def mixed(self, results: dict, others: Sequence[dict]) -> tuple[np.ndarray, dict]:
        """The mean of two images and the persons of both."""
        own, other = results["img"], others[0]
        if not len(other.get("keypoints", ())):
            return own, {}
        image, factor = self._fitted(other["img"])
        canvas = np.full((self.img_scale[1], self.img_scale[0], 3), self.pad_val, dtype=np.float64)
        canvas[: image.shape[0], : image.shape[1]] = image
        jitter = np.random.uniform(*self.ratio_range)
        canvas = mmcv.imresize(canvas, tuple(int(side * jitter) for side in self.img_scale))
        is_mirrored = np.random.uniform(0, 1) > self.flip_ratio
        canvas = canvas[:, ::-1] if is_mirrored else canvas

        (height, width), (h, w) = own.shape[:2], canvas.shape[:2]
        padded = np.full((max(h, height), max(w, width), 3), int(self.pad_val), dtype=np.uint8)
        padded[:h, :w] = canvas
        dy = np.random.randint(0, max(0, padded.shape[0] - height) + 1)
        dx = np.random.randint(0, max(0, padded.shape[1] - width) + 1)
        mean = 0.5 * own + 0.5 * padded[dy : dy + height, dx : dx + width]

        persons = _within(moved_persons(other, factor * jitter, (0, 0)), (w, h))
        if is_mirrored:
            persons = _mirrored(persons, (w, h), other["flip_indices"])
        persons = joined_persons([moved_persons(results, 1, (0, 0)), moved_persons(persons, 1, (-dx, -dy))])
        return mean.astype(np.uint8), _within(persons, (width, height), clip_boxes=self.bbox_clip_border)


def _built(part: Union[dict, Callable]) -> Callable:
    return TRANSFORMS.build(part) if isinstance(part, dict) else part


def _within(persons: dict[str, Any], size: Size, clip_boxes: bool = True) -> dict[str, Any]:
    """Persons whose boxes end at the border, and whose keypoints beyond it are not visible."""
    inside = dict(persons)
    if "bbox" in persons and clip_boxes:
        inside["bbox"] = clipped_boxes(persons["bbox"], size)
    if "keypoints" in persons:
        inside["keypoints_visible"] = hidden_outside(persons["keypoints"], persons["keypoints_visible"], size)
    return inside


def _mirrored(persons: dict[str, Any], size: Size, partners: Sequence[int]) -> dict[str, Any]:
    """Persons in the mirrored image of ``size``."""
    return {
        **persons,
        "bbox": mirrored_boxes(persons["bbox"], size, "horizontal"),
        "keypoints": mirrored_points(persons["keypoints"], size, "horizontal").take(partners, axis=1),
        "keypoints_visible": persons["keypoints_visible"].take(partners, axis=1),
    }
