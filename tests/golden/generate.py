"""Record what MMPose 1.3.2 computes, for the parity tests of this folder. Run in an environment that has MMPose.

    python tests/golden/generate.py PATH_OF_POSE_SAMPLES [--only NAME OF FILES]

README.md beside this file tells how such an environment is made.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import cv2
import golden_file
import golden_inputs as given
import numpy as np
import observations as look
import torch

NUMBERS = Path(__file__).parent / "numbers"
STUBS = {
    "mmdet/__init__.py": "",
    "mmdet/utils.py": "ConfigType = dict\n\n\ndef reduce_mean(tensor):\n    return tensor\n",
    "ops_stub.py": "import torch\n\n\nclass DeformConv2d(torch.nn.Module):\n    pass\n\n\n"
    "class MultiScaleDeformableAttention(torch.nn.Module):\n    pass\n",
}


def import_mmpose_models() -> None:
    """Import ``mmpose.models`` with empty stand-ins for the names that it wants from mmdet and mmcv's compiled part."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in STUBS.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        sys.path.insert(0, folder)
        import ops_stub

        sys.modules["mmcv.ops"] = ops_stub
        import mmpose.models  # noqa: F401

        sys.path.remove(folder)


def versions() -> dict[str, str]:
    """The releases that the numbers were made with."""
    import mmcv
    import mmengine
    import mmpose
    import xtcocotools

    named = {"mmpose": mmpose, "mmengine": mmengine, "mmcv": mmcv, "numpy": np, "opencv": cv2, "torch": torch}
    found = {name: str(module.__version__) for name, module in named.items()}
    found["xtcocotools"] = str(getattr(xtcocotools, "__version__", "1.14.3"))
    return found


def record(samples: Path) -> dict[str, Any]:
    """A function per file of numbers."""
    import mmpose
    from mmpose import registry
    from mmpose.datasets.datasets.utils import parse_pose_metainfo

    metainfo = Path(mmpose.__file__).parent / ".mim" / "configs" / "_base_" / "datasets"

    def datasets() -> Any:
        return {
            "datasets": look.observe_datasets(registry, given.dataset_cases(samples)),
            "combined": look.observe_combined(registry, samples, metainfo),
            "metainfo": look.observe_metainfo(parse_pose_metainfo, metainfo),
            "converters": look.observe_converters(registry),
        }

    def body() -> Any:
        return {
            "datasets": look.observe_datasets(registry, given.body_cases(samples)),
            "metainfo": look.observe_metainfo(parse_pose_metainfo, metainfo, given.BODY_METAINFO_FILES),
        }

    def transforms() -> Any:
        return {
            "chains": look.observe_transforms(registry, samples, metainfo),
            "packing": look.observe_packing(registry, samples, metainfo),
        }

    def models() -> Any:
        import_mmpose_models()
        import model_observations as models_look
        from mmpose.structures import PoseDataSample

        return {
            "backbones": models_look.observe_backbones(registry),
            "heads": models_look.observe_heads(registry, PoseDataSample),
            "losses": models_look.observe_losses(registry),
            "estimators": models_look.observe_estimators(registry, samples, metainfo),
            "state_dicts": models_look.observe_state_dicts(registry, metainfo),
        }

    def rtmpose() -> Any:
        import_mmpose_models()
        import rtmpose_observations as rtmpose_look
        from mmpose.structures import PoseDataSample

        return {
            "cspnext": rtmpose_look.observe_cspnext(registry),
            "heads": rtmpose_look.observe_rtmcc(registry, PoseDataSample),
            "codecs": rtmpose_look.observe_simcc(registry),
            "losses": rtmpose_look.observe_kl_losses(registry),
            "visibility": rtmpose_look.observe_visibility(registry, PoseDataSample),
            "full": rtmpose_look.observe_full_tensors(registry),
        }

    def evaluation() -> Any:
        import mmpose.evaluation  # noqa: F401

        metas = {name: parse_pose_metainfo({"from_file": str(metainfo / f"{name}.py")}) for name in ("coco", "aic")}
        return look.observe_evaluation(registry, metas, samples)

    def distances() -> Any:
        import distance_observations as distances_look
        import mmpose.evaluation  # noqa: F401

        return distances_look.observe_distances(registry)

    def colours() -> Any:
        import colour_observations as colours_look

        return colours_look.observe_colours(registry)

    return {
        "datasets": datasets,
        "body": body,
        "transforms": transforms,
        "codecs": lambda: look.observe_codecs(registry),
        "models": models,
        "rtmpose": rtmpose,
        "evaluation": evaluation,
        "distances": distances,
        "colours": colours,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", type=Path, help="folder with coco/, aic/, ... as the tests use it")
    parser.add_argument("--only", nargs="+", help="record only these files")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.use_deterministic_algorithms(True)

    import mmpose.datasets  # noqa: F401
    from mmengine.registry import init_default_scope

    init_default_scope("mmpose")
    NUMBERS.mkdir(exist_ok=True)
    for name, observe in record(arguments.samples.resolve()).items():
        if arguments.only and name not in arguments.only:
            continue
        size = golden_file.write_tree(NUMBERS / f"{name}.npz", {"made_with": versions(), "numbers": observe()})
        print(f"{name}.npz: {size} bytes")


if __name__ == "__main__":
    main()
