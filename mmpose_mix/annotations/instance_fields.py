"""Where in an annotation an instance is read from: formats that extend COCO's with faces, feet and hands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

import msgspec

Box = tuple[float, float, float, float]
_Flag = Union[bool, int]
_Numbers = Union[float, list[float]]


@dataclass(frozen=True)
class InstanceFields:
    """The fields of an annotation that one instance is read from. COCO's own are the defaults.

    Args:
        keypoints: Lists of x, y and visibility, joined in this order.
        bbox: The box: x, y, width, height. ``None`` for a format that makes its boxes from something else; until then
            they are 0.
        valid: A flag without which there is no such instance in the annotation, as there is none where none of the
            numbers of its keypoints is above 0. ``None`` for formats without one.
        whole: The annotation's ``num_keypoints`` and ``area`` are about this instance. Otherwise they are left open.
        more: Further fields, a number or a list of numbers each: ``extras`` of the table. Each annotation must have
            them. Where an annotation holds several instances, the first one's count.

    Example:
        >>> InstanceFields(("face_kpts",), bbox="face_box", valid="face_valid", whole=False).names
        ('face_kpts', 'face_box', 'face_valid')
    """

    keypoints: tuple[str, ...] = ("keypoints",)
    bbox: Optional[str] = "bbox"
    valid: Optional[str] = None
    whole: bool = True
    more: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All fields that are read, beside those of every COCO annotation."""
        return (*self.keypoints, *(name for name in (self.bbox, self.valid) if name), *self.more)


COCO_FIELDS = (InstanceFields(),)


def struct_of(parts: Sequence[InstanceFields], base: type[msgspec.Struct]) -> type[Any]:
    """A struct that extends ``base``, a struct of the fields of every annotation, by those of ``parts``."""
    fields: dict[str, Any] = {}
    for part in parts:
        fields.update({name: (name, msgspec.Raw, msgspec.Raw()) for name in part.keypoints})
        if part.bbox:
            fields[part.bbox] = (part.bbox, Union[Box, msgspec.UnsetType], msgspec.UNSET)
        if part.valid:
            fields[part.valid] = (part.valid, _Flag, False)
        fields.update({name: (name, _Numbers) for name in part.more})
    return msgspec.defstruct("Annotation", list(fields.values()), bases=(base,), gc=False, kw_only=True)


def keypoint_texts(annotation: Any, part: InstanceFields) -> Optional[list[msgspec.Raw]]:
    """The JSON text of each keypoint list, empty where absent; ``None`` where the annotation has no such instance."""
    absent = part.bbox is not None and getattr(annotation, part.bbox) is msgspec.UNSET
    if absent or (part.valid is not None and not getattr(annotation, part.valid)):
        return None
    if len(part.keypoints) == 1:  # the common case, at half the time
        text = getattr(annotation, part.keypoints[0])
        return [text] if text else None
    texts = [getattr(annotation, name) for name in part.keypoints]
    return texts if any(texts) else None
