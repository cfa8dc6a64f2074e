"""What a transform draws at random, so that mmcv can make it draw once for several images."""

from __future__ import annotations

from typing import Any, Optional

from mmcv.transforms.utils import cache_randomness


class repeatable_draw(cache_randomness):
    """mmcv's ``cache_randomness``, without its price where nothing is cached.

    Marks a method whose results are drawn at random. Inside of ``mmcv.transforms.utils.cache_random_params``, as under
    ``TransformBroadcaster(share_random_params=True)``, the method gives what it gave first. Anywhere else mmcv's
    decorator copies itself at each access to the method; this one hands out the plain method.
    """

    def __get__(self, transform: Any, kind: Optional[type] = None) -> Any:
        if getattr(transform, "_cache_enabled", False):
            return super().__get__(transform, kind)
        return self.func.__get__(transform, kind)
