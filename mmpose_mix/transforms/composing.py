"""A pipeline that does at once what its transforms do one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Optional, Union

import numpy as np
from mmengine.dataset import Compose

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms.affine import Read, TopdownAffine
from mmpose_mix.transforms.flipping import RandomFlip
from mmpose_mix.transforms.loading import LoadImage, size_of_reducible


@TRANSFORMS.register_module()
class FusingCompose(Compose):
    """The transforms one after another, but a ``RandomFlip`` leaves its pixels to the ``TopdownAffine`` behind it.

    The image is then mirrored by the warp, without a copy of it. That is done only where nobody can see the image in
    between: every transform between the two must be known to leave the pixels alone (see
    :func:`leaves_pixels_alone`). Elsewhere, and with ``RandomFlip(exact=True)``, the image is mirrored at once. The
    sample that leaves the warp is the same either way, but for the rounding of pixels, see ``RandomFlip``. In the same
    way ``LoadImage(reduced=True)`` waits for the warp, to decode the image as large as it is needed.

    ``transforms`` holds the transforms as they were given; whoever calls them one by one sees none of this. A list that
    was changed is planned anew.

    Args:
        transforms: config dicts or callables.

    Raises:
        TypeError: one is neither.
    """

    def __init__(self, transforms: Optional[Sequence[Union[dict, Callable]]]) -> None:
        super().__init__(transforms)
        self._planned_for: list[Callable] = []
        self._steps: list[Callable] = []

    def __call__(self, data: dict) -> Optional[dict]:
        """Return what the transforms make of ``data``; None if one of them dropped it."""
        if self._planned_for != self.transforms:
            self._planned_for, self._steps = list(self.transforms), fused_steps(self.transforms)
        for step in self._steps:
            data = step(data)
            if data is None:
                return None
        return data


class FusedWarp:
    """Transforms up to a warp that leave pixels alone, a flip among them at most, and the warp, as one step.

    It works on a copy of the sample: one that is dropped, or that a transform cannot go on with, stays as it came.

    Args:
        steps: transforms that leave pixels alone, and at most one ``RandomFlip``.
        warp: cuts out the input, and mirrors the image for the flip.
        load: reads the image once the warp knows how large it is needed; None: it is there.
    """

    def __init__(self, steps: Sequence[Callable], warp: TopdownAffine, load: Optional[LoadImage] = None) -> None:
        self.steps = tuple(steps)
        self.warp = warp
        self.load = load

    def __call__(self, results: dict) -> Optional[dict]:
        """Return the warped sample, or None where a transform dropped it."""
        results, read = self._opened(dict(results))
        direction = None
        for step in self.steps:
            if results is None:
                return None
            if isinstance(step, RandomFlip):
                direction = step.mirror_annotations(results)
            else:
                results = step(results)
        return None if results is None else self.warp.warped(results, mirrored=direction, read=read)

    def _opened(self, results: dict) -> tuple[Optional[dict], Optional[Read]]:
        """The sample with its image, or with one of its size and no memory, and what reads the image itself."""
        if self.load is None:
            return results, None
        if "img" in results or "img_path" not in results:
            return self.load(results), None
        content = self.load.content_of(results)
        if content is None:
            return None, None
        size = size_of_reducible(content)
        if size is None:
            return self.load(results), None
        results["img"] = np.broadcast_to(np.uint8(0), (size[1], size[0], 3))
        results["img_shape"] = results["ori_shape"] = size[::-1]
        named = {key: results.get(key) for key in ("img_path", "dataset_name", "img_id")}
        return results, partial(self.load.decoded, named, content)


def fused_steps(transforms: Sequence[Callable]) -> list[Callable]:
    """Return what to call one after another in the place of ``transforms``.

    A flip that several warps follow belongs to the first of them.
    """
    steps: list[Callable] = []
    place = 0
    while place < len(transforms):
        first = transforms[place]
        loads = _does_as(first, LoadImage) and first.reduced
        last = _warp_behind(transforms, place, flips=int(loads)) if loads or _can_leave_pixels(first) else None
        if last is None:
            steps.append(first)
            place += 1
        elif loads:
            steps.append(FusedWarp(transforms[place + 1 : last], transforms[last], first))
            place = last + 1
        else:
            steps.append(FusedWarp(transforms[place:last], transforms[last]))
            place = last + 1
    return steps


def leaves_pixels_alone(transform: Any) -> bool:
    """Whether a transform is known neither to read nor to write ``img``.

    Its class says so by ``reads_pixels = False``; a subclass with a ``transform`` or ``__call__`` of its own does not
    inherit that word and has to give it again.
    """
    for kind in type(transform).__mro__:
        if "reads_pixels" in vars(kind):
            return vars(kind)["reads_pixels"] is False
        if "transform" in vars(kind) or "__call__" in vars(kind):
            return False
    return False


def _warp_behind(transforms: Sequence[Callable], place: int, flips: int) -> Optional[int]:
    """Where the warp stands that nobody behind ``place`` keeps from doing their work; None if there is none.

    Args:
        flips: how many flips may stand between.
    """
    for number in range(place + 1, len(transforms)):
        transform = transforms[number]
        if _does_as(transform, TopdownAffine):
            return number
        if flips and _can_leave_pixels(transform):
            flips -= 1
        elif not leaves_pixels_alone(transform):
            return None
    return None


def _can_leave_pixels(transform: Any) -> bool:
    return _does_as(transform, RandomFlip) and not transform.exact


def _does_as(transform: Any, kind: type) -> bool:
    """Whether an object transforms just as ``kind``; a subclass may do more."""
    return isinstance(transform, kind) and all(
        getattr(type(transform), name) is getattr(kind, name) for name in ("__call__", "transform")
    )
