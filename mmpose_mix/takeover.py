"""Gives MMPose's bare names for mixing to this package: ``custom_imports = dict(imports=['mmpose_mix.takeover'])``.

Importing this module, which nothing in the package does, puts subclasses of this package's ``CombinedDataset``,
``KeypointConverter`` and ``MultiSourceSampler`` in the place of MMPose's in MMPose's registries, so that an unchanged
config of ``default_scope='mmpose'`` mixes with them. They are instances of MMPose's classes too, which MMPose's own
checks, and those of its users, ask for. Nothing else of MMPose changes.

Where MMPose is not installed there is nothing to take over, and the import only says so: ``mmpose-mix train`` then runs
such a config in the scope of this package.
"""

from __future__ import annotations

import importlib.util
import logging
from abc import ABCMeta
from typing import Any

from mmengine.logging import print_log

from mmpose_mix.datasets import CombinedDataset as OurCombinedDataset
from mmpose_mix.datasets import MultiSourceSampler as OurMultiSourceSampler
from mmpose_mix.transforms import KeypointConverter as OurKeypointConverter

INSTALLED = importlib.util.find_spec("mmpose") is not None


class OursFirst(ABCMeta):
    """Orders the bases of a class: those of the first base, then the others.

    Python would ask MMPose's class before the base that both share, so ``super().__init__`` of ours would build both.
    """

    def mro(cls) -> list[type]:
        """The class, what the first of its bases asks in turn, then the rest, each once."""
        first, *others = (base.mro() if type(base) is type else list(base.__mro__) for base in cls.__bases__)
        ordered = [cls, *first[:-1]]
        for other in others:
            ordered += [base for base in other[:-1] if base not in ordered]
        return [*ordered, object]


def _take_over(ours: type, registry: Any) -> type:
    """Puts a subclass of ``ours`` and of MMPose's class of the same name into a registry of MMPose's."""
    theirs = registry.module_dict[ours.__name__]
    words = {"__doc__": ours.__doc__, "__module__": __name__, "__qualname__": ours.__name__}
    taken = OursFirst(ours.__name__, (ours, theirs), words)
    registry.register_module(module=taken, force=True)
    return taken


if INSTALLED:
    import mmpose.datasets  # noqa: F401  registers what is taken over
    from mmpose.registry import DATA_SAMPLERS, DATASETS, TRANSFORMS

    CombinedDataset = _take_over(OurCombinedDataset, DATASETS)
    KeypointConverter = _take_over(OurKeypointConverter, TRANSFORMS)
    MultiSourceSampler = _take_over(OurMultiSourceSampler, DATA_SAMPLERS)
    print_log(
        "mmpose_mix.takeover: CombinedDataset, KeypointConverter and MultiSourceSampler of MMPose are now those of "
        "mmpose_mix, in all configs of this process. Leave mmpose_mix.takeover out of custom_imports to undo it.",
        logger="current",
        level=logging.WARNING,
    )
else:
    print_log(
        "mmpose_mix.takeover: MMPose is not installed, so there is nothing to take over. mmpose-mix runs this config "
        "in default_scope='mmpose_mix'; elsewhere set that, and leave mmpose_mix.takeover out of custom_imports.",
        logger="current",
        level=logging.WARNING,
    )
