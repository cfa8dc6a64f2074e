"""The few names of mmdet that MMPose's configs use, where mmdet is not installed.

MMPose's RTMPose configs take ``mmdet.YOLOXHSVRandomAug``, ``mmdet.PipelineSwitchHook`` and a backbone of
``_scope_='mmdet'``, of which MMPose, or this package, has its own. Where mmdet is absent, and only there, a registry of
scope ``mmdet`` gives this package's class for each of these names and nothing else.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from mmengine.registry import Registry

from mmpose_mix.registry import HOOKS, MODELS, TRANSFORMS

SCOPE = "mmdet"
NAMES = {
    TRANSFORMS.name: ("YOLOXHSVRandomAug",),
    HOOKS.name: ("PipelineSwitchHook",),
    MODELS.name: ("CSPNeXt", "CSPNeXtPAFPN"),
}


class StandInRegistry(Registry):
    """A registry of scope ``mmdet`` beside one of ours, which it asks for the names that it stands in for."""

    def __init__(self, ours: Registry) -> None:
        super().__init__(ours.name, parent=ours.parent, scope=SCOPE)
        self._ours = ours

    def get(self, key: str) -> Any:
        """Our class for one of mmdet's names; of models also what a part needs inside, from MMEngine; else None.

        A transform of mmdet that is not there must not become mmcv's of the same name.
        """
        name = key[len(SCOPE) + 1 :] if key.startswith(f"{SCOPE}.") else key
        if name in NAMES[self.name]:
            return self._ours.get(name)
        return super().get(name) if self.name == MODELS.name else None


def stand_in_for_mmdet() -> list[StandInRegistry]:
    """Makes the registries, unless mmdet is installed or something else has its scope already.

    Returns:
        Those that were made.
    """
    if find_spec(SCOPE) is not None:
        return []
    return [StandInRegistry(ours) for ours in (TRANSFORMS, HOOKS, MODELS) if SCOPE not in ours.parent.children]
