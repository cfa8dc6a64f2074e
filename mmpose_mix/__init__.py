"""Train 2-D pose models on several data sets at once: an MMEngine registry plugin.

Importing this package registers every class of it in the scope ``mmpose_mix``.
"""

from __future__ import annotations

from mmpose_mix.collector import collector_paused

try:
    with collector_paused():  # a sixth of the time of these imports
        import mmcv as _mmcv  # noqa: F401
except ImportError as error:
    raise ImportError(
        "mmpose_mix needs mmcv or mmcv-lite, and neither is installed: run `pip install mmcv-lite` "
        "(or install this package as `mmpose_mix[lite]`); a full mmcv, where you have one, serves as well."
    ) from error

with collector_paused():
    from mmpose_mix import (
        codecs,
        datasets,
        engine,
        evaluation,
        models,
        registry,
        structures,
        transforms,
        visualization,
    )
    from mmpose_mix.mmdet_names import stand_in_for_mmdet

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "codecs",
    "datasets",
    "engine",
    "evaluation",
    "models",
    "registry",
    "structures",
    "transforms",
    "visualization",
]

stand_in_for_mmdet()
