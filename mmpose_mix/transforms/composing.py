"""A pipeline that does at once what its transforms do one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Optional, Union

from mmengine.dataset import Compose

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms.affine import TopdownAffine
from mmpose_mix.transforms.flipping import RandomFlip


@TRANSFORMS.register_module()
class FusingCompose(Compose):
    """The transforms one after another, but a ``RandomFlip`` leaves its pixels to the ``TopdownAffine`` behind it.

    The image is then mirrored by the warp, without a copy of it. That is done only where nobody can see the image in
    between: every transform between the two must be known to leave the pixels alone (see
    :func:`leaves_pixels_alone`). Elsewhere, and with ``RandomFlip(exact=True)``, the image is mirrored at once. The
    sample that leaves the warp is the same either way, but for the rounding of pixels, see ``RandomFlip``.

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


class FusedFlip:
    """A flip, the transforms behind it that leave pixels alone, and the warp, as one step.

    It works on a copy of the sample: one that is dropped, or that a transform cannot go on with, stays as it came.
    """

    def __init__(self, flip: RandomFlip, between: Sequence[Callable], warp: TopdownAffine) -> None:
        self.flip = flip
        self.between = tuple(between)
        self.warp = warp

    def __call__(self, results: dict) -> Optional[dict]:
        """Return the warped sample, or None where a transform in between dropped it."""
        results = dict(results)
        direction = self.flip.mirror_annotations(results)
        for step in self.between:
            results = step(results)
            if results is None:
                return None
        return self.warp.warped(results, mirrored=direction)


def fused_steps(transforms: Sequence[Callable]) -> list[Callable]:
    """Return what to call one after another in the place of ``transforms``.

    A flip that several warps follow belongs to the first of them.
    """
    steps: list[Callable] = []
    place = 0
    while place < len(transforms):
        last = _warp_behind(transforms, place) if _can_leave_pixels(transforms[place]) else None
        if last is None:
            steps.append(transforms[place])
            place += 1
        else:
            steps.append(FusedFlip(transforms[place], transforms[place + 1 : last], transforms[last]))
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


def _warp_behind(transforms: Sequence[Callable], place: int) -> Optional[int]:
    """Where the warp stands that may mirror the pixels for the flip at ``place``; None if there is none."""
    for number in range(place + 1, len(transforms)):
        if _does_as(transforms[number], TopdownAffine):
            return number
        if not leaves_pixels_alone(transforms[number]):
            return None
    return None


def _can_leave_pixels(transform: Any) -> bool:
    return _does_as(transform, RandomFlip) and not transform.exact


def _does_as(transform: Any, kind: type) -> bool:
    """Whether an object transforms just as ``kind``; a subclass may do more."""
    return isinstance(transform, kind) and all(
        getattr(type(transform), name) is getattr(kind, name) for name in ("__call__", "transform")
    )
