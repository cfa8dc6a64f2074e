"""Operations of the albumentations library as steps of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Optional

import numpy as np
from mmcv.transforms import BaseTransform

from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms.pixel_operations import OPERATIONS


@TRANSFORMS.register_module()
class Albumentation(BaseTransform):
    """Operations on pixels, one after the other.

    ``Blur``, ``MedianBlur`` and ``CoarseDropout``, all that RTMPose's configs name, are this package's own and need no
    further library; any other operation is albumentations' (2.0 or newer, which the extra ``albumentations`` installs).
    Everything is drawn from numpy's global generator, or by a generator of albumentations that is seeded from it for
    each item, so that an item is a function of its draw.

    Keypoints and boxes stay as they are: operations that move pixels have to be left to other transforms.

    Args:
        transforms: configs of the operations: ``type`` and arguments, and for those like ``OneOf`` ``transforms``.
        keymap: key of the sample -> name that albumentations knows it by; None is ``{'img': 'image'}``. Others, such as
            masks, need operations of albumentations only.

    Raises:
        ValueError: an operation that is unknown, or arguments that it refuses; all of them are named. At a sample,
            a key that is missing.
        ImportError: an operation of albumentations where that is not installed, or older than 2.0.
    """

    def __init__(self, transforms: Sequence[Mapping[str, Any]], keymap: Optional[Mapping[str, str]] = None) -> None:
        self.transforms = [dict(config) for config in transforms]
        self.keymap = dict(keymap or {"img": "image"})
        if keymap and set(self.keymap.values()) != {"image"}:
            own: Mapping[str, Any] = {}  # this package's know images only
        else:
            own = OPERATIONS
        findings: list[str] = []
        self._steps: list[Callable[[dict[str, Any]], dict[str, Any]]] = []
        for number, config in enumerate(self.transforms):
            try:
                self._steps.append(_own_step(config) if config.get("type") in own else _foreign_step(config))
            except (TypeError, ValueError) as refusal:
                findings.append(f"transforms[{number}]: {refusal}")
        if findings:
            raise ValueError(f"Albumentation: {' '.join(findings)}")

    def transform(self, results: dict) -> dict:
        """Run the operations on ``results``."""
        missing = [key for key in self.keymap if key not in results]
        if missing:
            raise ValueError(f"Albumentation: the sample lacks {', '.join(map(repr, missing))}.")
        given = {name: results[key] for key, name in self.keymap.items()}
        for step in self._steps:
            given = step(given)
        results.update({key: given[name] for key, name in self.keymap.items()})
        return results

    def __repr__(self) -> str:
        return f"{type(self).__name__}(transforms={self.transforms}, keymap={self.keymap})"


def _own_step(config: Mapping[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    arguments = {key: value for key, value in config.items() if key != "type"}
    operation = OPERATIONS[config["type"]](**arguments)
    return lambda given: {**given, "image": operation(given["image"])}


class _ForeignStep:
    """An operation of albumentations, whose generator starts anew, from numpy's, for each item."""

    def __init__(self, composed: Any) -> None:
        self._composed = composed

    def __call__(self, given: dict[str, Any]) -> dict[str, Any]:
        self._composed.set_random_seed(int(np.random.randint(2**31 - 1)))
        return self._composed(**given)


def _foreign_step(config: Mapping[str, Any]) -> _ForeignStep:
    try:
        import albumentations
    except ImportError as error:
        raise ImportError(
            f"Albumentation: {config.get('type')!r} is an operation of albumentations, which is not installed; "
            f"{', '.join(OPERATIONS)} need it not. Install it with pip install 'mmpose_mix[albumentations]', or leave "
            "the operation out."
        ) from error
    if not hasattr(albumentations.Compose, "set_random_seed"):
        raise ImportError(
            f"Albumentation: albumentations {albumentations.__version__} cannot be seeded for each item; version 2.0 "
            "can. Install it with pip install 'mmpose_mix[albumentations]'."
        )
    return _ForeignStep(albumentations.Compose([_built(albumentations, config)]))


def _built(albumentations: Any, config: Mapping[str, Any]) -> Any:
    """An operation with the operations in it."""
    arguments = dict(config)
    kind = arguments.pop("type", None)
    operation = getattr(albumentations, kind, None) if isinstance(kind, str) else kind
    if not isinstance(operation, type):
        raise ValueError(f"albumentations {albumentations.__version__} has no operation {kind!r}.")
    if "transforms" in arguments:
        arguments["transforms"] = [_built(albumentations, inner) for inner in arguments["transforms"]]
    return operation(**arguments)
