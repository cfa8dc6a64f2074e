"""The inputs that the recorder (MMPose) and the tests (this package) share: everything derived, nothing drawn anew.

Random numbers come from ``numpy.random.RandomState``, whose streams numpy keeps the same for ever.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

# AI Challenger's 14 keypoints: 12 body joints, head top (12), neck (13).
AIC_TO_COCO = [(0, 6), (1, 8), (2, 10), (3, 5), (4, 7), (5, 9), (6, 12), (7, 14), (8, 16), (9, 11), (10, 13), (11, 15)]
AIC_TO_UNION = [*AIC_TO_COCO, (12, 17), (13, 18)]
COCO_TO_UNION = [(index, index) for index in range(17)]

SEEDS = (0, 1, 2, 3, 4, 5)
METAINFO_FILES = ("coco", "aic", "coco_aic")
BODY_METAINFO_FILES = (
    "crowdpose", "mpii", "jhmdb", "posetrack18", "halpe", "halpe26", "ochuman", "humanart", "exlpose", "mhp", "ap10k",
    "animalpose",
)  # fmt: skip


def coco_files(samples: Path) -> dict[str, Any]:
    """Where the COCO excerpt lies, as arguments of a data set."""
    return {"data_root": str(samples / "coco"), "ann_file": "test_coco.json", "data_prefix": {"img": ""}}


def aic_files(samples: Path) -> dict[str, Any]:
    """Where the AI Challenger excerpt lies, as arguments of a data set."""
    return {"data_root": str(samples / "aic"), "ann_file": "test_aic.json", "data_prefix": {"img": ""}}


def dataset_cases(samples: Path) -> dict[str, dict[str, Any]]:
    """Data set configs by name: each mode of both classes, and COCO with detector boxes."""
    modes: dict[str, dict[str, Any]] = {
        "topdown": {},
        "topdown_test": {"test_mode": True},
        "bottomup": {"data_mode": "bottomup"},
        "bottomup_test": {"data_mode": "bottomup", "test_mode": True},
        "every_third_image": {"sample_interval": 3},
    }
    boxes = {
        "test_mode": True,
        "bbox_file": str(samples / "coco" / "test_coco_det_AP_H_56.json"),
        "filter_cfg": {"bbox_score_thr": 0.3},
    }
    cases = {f"coco_{mode}": {"type": "CocoDataset", **coco_files(samples), **args} for mode, args in modes.items()}
    cases["coco_detections"] = {"type": "CocoDataset", **coco_files(samples), **boxes}
    for mode in ("topdown", "topdown_test", "bottomup", "bottomup_test"):
        cases[f"aic_{mode}"] = {"type": "AicDataset", **aic_files(samples), **modes[mode]}
    return cases


def body_cases(samples: Path) -> dict[str, dict[str, Any]]:
    """Configs of the further body data sets by name, each in training and in test mode."""
    modes: dict[str, dict[str, Any]] = {
        "topdown": {},
        "topdown_test": {"test_mode": True},
        "bottomup": {"data_mode": "bottomup"},
    }
    files = {
        "crowdpose": ("CrowdPoseDataset", "test_crowdpose.json"),
        "jhmdb": ("JhmdbDataset", "test_jhmdb_sub1.json"),
        "ochuman": ("OCHumanDataset", "test_ochuman.json"),
        "halpe": ("HalpeDataset", "test_halpe.json"),
        "mpii": ("MpiiDataset", "test_mpii.json"),
    }
    return {
        f"{name}_{mode}": {"type": kind, "data_root": str(samples / name), "ann_file": ann_file, **args}
        for name, (kind, ann_file) in files.items()
        for mode, args in modes.items()
    }


def combined_cases(samples: Path, metainfo_folder: Path) -> dict[str, dict[str, Any]]:
    """Mixture configs by name; ``metainfo_folder`` holds ``coco.py`` and ``coco_aic.py``."""

    def source(kind: str, files: dict[str, Any], count: int, mapping: Any, mode: str) -> dict[str, Any]:
        pipeline = [{"type": "KeypointConverter", "num_keypoints": count, "mapping": mapping}] if mapping else []
        return {"type": kind, **files, "data_mode": mode, "pipeline": pipeline}

    def mixture(name: str, count: int, coco_map: Any, aic_map: Any, mode: str = "topdown") -> dict[str, Any]:
        datasets = [
            source("CocoDataset", coco_files(samples), count, coco_map, mode),
            source("AicDataset", aic_files(samples), count, aic_map, mode),
        ]
        metainfo = {"from_file": str(metainfo_folder / f"{name}.py")}
        return {"type": "CombinedDataset", "metainfo": metainfo, "datasets": datasets, "pipeline": []}

    return {
        "merge": mixture("coco", 17, None, AIC_TO_COCO),
        "combine": mixture("coco_aic", 19, COCO_TO_UNION, AIC_TO_UNION),
        "merge_bottomup": mixture("coco", 17, None, AIC_TO_COCO, "bottomup"),
    }


def converter_cases() -> dict[str, dict[str, Any]]:
    """Arguments of converters with the points they are given: several instances, 3-D points, midpoints."""
    random = np.random.RandomState(20)
    points = (random.rand(3, 14, 2) * 200).astype(np.float32)
    visible = (random.rand(3, 14) > 0.3).astype(np.float32)
    midpoints = [*AIC_TO_COCO, ((12, 13), 0), ((3, 9), 1)]
    given = {"keypoints": points, "keypoints_visible": visible}
    return {
        "merge": {"num_keypoints": 17, "mapping": AIC_TO_COCO, "given": given},
        "combine": {"num_keypoints": 19, "mapping": AIC_TO_UNION, "given": given},
        "midpoints": {"num_keypoints": 17, "mapping": midpoints, "given": given},
        "without_visibility": {"num_keypoints": 17, "mapping": AIC_TO_COCO, "given": {"keypoints": points}},
        "all_visible_midpoints": {
            "num_keypoints": 17,
            "mapping": midpoints,
            "given": {"keypoints": points, "keypoints_visible": np.ones((3, 14), np.float32)},
        },
    }


def transform_cases() -> dict[str, dict[str, Any]]:
    """Chains of transforms after ``LoadImage`` and ``GetBBoxCenterScale``, with mixture and items they run on."""
    msra = {"type": "MSRAHeatmap", "input_size": (96, 128), "heatmap_size": (24, 32), "sigma": 2}
    udp = {"type": "UDPHeatmap", "input_size": (96, 128), "heatmap_size": (24, 32), "sigma": 2}
    plain = [
        {"type": "RandomFlip", "direction": "horizontal"},
        {"type": "RandomHalfBody"},
        {"type": "RandomBBoxTransform"},
        {"type": "TopdownAffine", "input_size": (96, 128)},
        {"type": "GenerateTarget", "encoder": msra},
    ]
    strong = [
        {"type": "RandomFlip", "prob": [0.3, 0.3, 0.3], "direction": ["horizontal", "vertical", "diagonal"]},
        {"type": "RandomHalfBody", "prob": 1.0, "min_total_keypoints": 4, "padding": 1.25},
        {"type": "RandomBBoxTransform", "shift_prob": 1.0, "rotate_prob": 1.0, "scale_factor": (0.75, 1.25)},
        {"type": "TopdownAffine", "input_size": (128, 96), "use_udp": True},
        {"type": "GenerateTarget", "encoder": {**udp, "input_size": (128, 96), "heatmap_size": (32, 24)}},
    ]
    validation = [{"type": "TopdownAffine", "input_size": (96, 128)}]
    weighted = [
        {"type": "RandomFlip", "prob": 1.0},
        {"type": "TopdownAffine", "input_size": (96, 128)},
        {"type": "GenerateTarget", "encoder": msra, "use_dataset_keypoint_weights": True},
    ]
    return {
        "plain_merge": {"mixture": "merge", "items": (0, 2, 7, 13, 17), "seeds": SEEDS, "chain": plain},
        "strong_merge": {"mixture": "merge", "items": (1, 5, 12, 19), "seeds": SEEDS, "chain": strong},
        "plain_combine": {"mixture": "combine", "items": (3, 14), "seeds": SEEDS, "chain": plain},
        "validation": {"mixture": "merge", "items": (4, 16), "seeds": (0,), "chain": validation},
        "weighted": {"mixture": "merge", "items": (0, 13), "seeds": (0,), "chain": weighted},
    }


def codec_cases() -> dict[str, dict[str, Any]]:
    """Codec configs by name; the second pair has a scale that differs in x and y."""
    even = {"input_size": (96, 128), "heatmap_size": (24, 32)}
    uneven = {"input_size": (90, 131), "heatmap_size": (24, 32)}
    return {
        "msra": {"type": "MSRAHeatmap", "sigma": 2, **even},
        "msra_sharp_uneven": {"type": "MSRAHeatmap", "sigma": 1, **uneven},
        "msra_fractional_window": {"type": "MSRAHeatmap", "sigma": 1.25, **uneven},
        "msra_unbiased": {"type": "MSRAHeatmap", "sigma": 1.5, "unbiased": True, **even},
        "msra_dark_small_kernel": {
            "type": "MSRAHeatmap",
            "sigma": 2,
            "unbiased": True,
            "blur_kernel_size": 7,
            **uneven,
        },
        "udp": {"type": "UDPHeatmap", "sigma": 2, **even},
        "udp_uneven": {"type": "UDPHeatmap", "sigma": 1, "blur_kernel_size": 7, **uneven},
        "udp_fractional_window": {"type": "UDPHeatmap", "sigma": 1.25, **uneven},
        "udp_combined": {"type": "UDPHeatmap", "heatmap_type": "combined", "radius_factor": 0.0546875, **even},
    }


def awkward_keypoints() -> tuple[np.ndarray, np.ndarray]:
    """Keypoints ``(1, K, 2)`` in pixels of a 96 x 128 input, and visibility ``(1, K)``: borders, outside, fractions."""
    rows = [
        (0, 0, 1), (95, 127, 1), (96, 128, 1), (47.5, 63.5, 1), (48, 64, 1), (1.9999, 2.0001, 1),
        (2, 2, 1), (-0.5, 60, 1), (-3.99, 60, 1), (-26.1, 60, 1), (-23, 60, 1), (40, -25.9, 1),
        (40, 153.9, 1), (40, 150, 1), (119.9, 64, 1), (1000, 1000, 1), (-1000, 64, 1), (93.9, 3.1, 1),
        (33.3, 77.7, 0), (33.3, 77.7, 0.4), (33.3, 77.7, 0.5), (33.3, 77.7, 0.6), (94, 126, 1), (90, 122.5, 1),
    ]  # fmt: skip
    table = np.array(rows, np.float32)
    return table[None, :, :2], table[None, :, 2]


def heatmaps_to_decode(channels: int) -> np.ndarray:
    """Heatmaps ``(channels, 32, 24)`` float32: peaks inside and at borders, noise, one zero, one negative."""
    random = np.random.RandomState(7)
    rows, columns = np.mgrid[:32, :24]
    maps = []
    corners = [(0, 0), (23, 31), (0, 15.4), (23, 16), (12, 0), (11.6, 31), (1, 1), (22, 30), (1.3, 29.8)]
    for index in range(channels):
        x, y = corners[index] if index < len(corners) else random.rand(2) * (23, 31)
        peak = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 2**2))
        maps.append(peak + random.rand(32, 24) * (0.0 if index % 3 == 0 else 0.3))
    stack = np.array(maps, np.float32)
    stack[-1] = 0
    stack[-2] = -stack[-2] - 0.1
    return stack


def tiny_hrnet(**changes: Any) -> dict[str, Any]:
    """An HRNet of a few channels with every kind of part the full one has."""

    def stage(modules: int, block: str, blocks: tuple[int, ...], channels: tuple[int, ...]) -> dict[str, Any]:
        return {
            "num_modules": modules, "num_branches": len(blocks), "block": block, "num_blocks": blocks,
            "num_channels": channels,
        }  # fmt: skip

    extra = {
        "stage1": stage(1, "BOTTLENECK", (2,), (8,)),
        "stage2": stage(1, "BASIC", (1, 1), (4, 8)),
        "stage3": stage(2, "BASIC", (1, 2, 1), (4, 8, 12)),
        "stage4": stage(2, "BASIC", (1, 1, 1, 1), (4, 8, 12, 16)),
    }
    extra["stage4"].update(changes)
    return {"type": "HRNet", "in_channels": 3, "extra": extra}


def full_hrnet_w32() -> dict[str, Any]:
    """HRNet-w32, as MMPose's 256x192 experiments have it."""

    def stage(modules: int, block: str, blocks: tuple[int, ...], channels: tuple[int, ...]) -> dict[str, Any]:
        return {
            "num_modules": modules, "num_branches": len(blocks), "block": block, "num_blocks": blocks,
            "num_channels": channels,
        }  # fmt: skip

    extra = {
        "stage1": stage(1, "BOTTLENECK", (4,), (64,)),
        "stage2": stage(1, "BASIC", (4, 4), (32, 64)),
        "stage3": stage(4, "BASIC", (4, 4, 4), (32, 64, 128)),
        "stage4": stage(3, "BASIC", (4, 4, 4, 4), (32, 64, 128, 256)),
    }
    return {"type": "HRNet", "in_channels": 3, "extra": extra}


def backbone_cases() -> dict[str, dict[str, Any]]:
    """Backbone configs by name."""
    return {
        "hrnet": tiny_hrnet(),
        "hrnet_multiscale": tiny_hrnet(multiscale_output=True),
        "resnet18": {"type": "ResNet", "depth": 18, "out_indices": (0, 1, 2, 3)},
        "resnet50": {"type": "ResNet", "depth": 50},
    }


def head_cases() -> dict[str, dict[str, Any]]:
    """Heatmap heads on 4 channels of features, by name."""
    codec = {"type": "MSRAHeatmap", "input_size": (96, 128), "heatmap_size": (24, 32), "sigma": 2}
    base = {
        "type": "HeatmapHead", "in_channels": 4, "out_channels": 17, "decoder": codec,
        "loss": {"type": "KeypointMSELoss", "use_target_weight": True},
    }  # fmt: skip
    return {
        "plain": {**base, "deconv_out_channels": None},
        "deconvolved": {**base, "deconv_out_channels": (6, 5), "deconv_kernel_sizes": (4, 3)},
        "convolved": {
            **base, "deconv_out_channels": None, "conv_out_channels": (6,), "conv_kernel_sizes": (3,),
            "final_layer": {"kernel_size": 3, "padding": 1},
        },
    }  # fmt: skip


def estimator(backbone: dict[str, Any], head: dict[str, Any], metainfo: Any, **test_cfg: Any) -> dict[str, Any]:
    """The config of a top-down estimator with MMPose's usual preprocessing."""
    return {
        "type": "TopdownPoseEstimator",
        "data_preprocessor": {
            "type": "PoseDataPreprocessor", "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375],
            "bgr_to_rgb": True,
        },
        "metainfo": metainfo,
        "backbone": backbone,
        "head": head,
        "test_cfg": test_cfg,
    }  # fmt: skip


def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of one tensor of a state dict, a function of its name and shape alone."""
    random = np.random.RandomState(zlib.crc32(name.encode()))
    values = random.randn(*shape)
    if name.endswith("running_var"):
        values = 0.5 + np.abs(values)
    elif len(shape) > 1:
        values *= np.sqrt(2.0 / np.prod(shape[1:]))
    elif name.endswith("weight"):
        values = 1 + 0.1 * values
    else:
        values *= 0.1
    return values.astype(np.float32)


def random_array(seed: int, *shape: int) -> np.ndarray:
    """Standard normal numbers, float32."""
    return np.random.RandomState(seed).randn(*shape).astype(np.float32)


def noisy_predictions(annotation_file: Path, num_keypoints: int, noise: float, seed: int = 3) -> list[dict[str, Any]]:
    """Predictions made from annotations, ``noise`` of the body size off, some persons twice, some nine times.

    Each has ``id``, ``img_id``, ``category_id``, ``keypoints (1, K, 2)``, ``keypoint_scores (1, K)``,
    ``bbox_scores (1,)``, ``bboxes (1, 4)`` xyxy and ``bbox_scales (1, 2)``.
    """
    random = np.random.RandomState(seed)
    predictions: list[dict[str, Any]] = []
    for annotation in json.loads(annotation_file.read_text())["annotations"]:
        points = np.array(annotation["keypoints"], np.float64).reshape(-1, 3)[:num_keypoints, :2]
        x, y, w, h = annotation["bbox"]
        centre = np.array([x + w / 2, y + h / 2])
        points = np.where(points.max(1, keepdims=True) > 0, points, centre)
        size = np.sqrt(w * h)
        points = points + random.randn(num_keypoints, 2) * size * noise * (0.2 + 1.5 * random.rand())
        for _ in range((1, 2, 9)[random.randint(3)]):
            noisy = points + random.randn(num_keypoints, 2) * size * noise * random.rand()
            predictions.append(
                {
                    "id": len(predictions),
                    "img_id": annotation["image_id"],
                    "category_id": 1,
                    "keypoints": noisy[None].astype(np.float32),
                    "keypoint_scores": random.rand(1, num_keypoints).astype(np.float32),
                    "bbox_scores": random.rand(1).astype(np.float32),
                    "bboxes": np.array([[x, y, x + w, y + h]], np.float32),
                    "bbox_scales": np.array([[w * 1.25, h * 1.25]], np.float32),
                }
            )
    return predictions


def digest(value: Any) -> str:
    """SHA-256 of an array (with shape and dtype) or of a JSON value."""
    if isinstance(value, np.ndarray):
        header = f"{value.dtype.str}{value.shape}".encode()
        return hashlib.sha256(header + np.ascontiguousarray(value).tobytes()).hexdigest()
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """``value`` with numpy's numbers and booleans as Python's numbers: True and 1 are one answer."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist())
    return int(value) if isinstance(value, bool) else value


def projections(image: np.ndarray, count: int = 16) -> np.ndarray:
    """``count`` sums of about 4096 spread values with fixed random signs, over the root of their number.

    A fingerprint that bears noise: an image shifted by half a pixel changes it by about the size of its gradients,
    rounding of pixels by less than 1.
    """
    values = image.astype(np.float64).ravel()
    values = values[:: 1 + 2 * (values.size // 8192)]  # an odd step, so that rows and channels take turns
    signs = np.random.RandomState(99).randint(0, 2, (count, values.size)) * 2.0 - 1.0
    return (signs @ values) / np.sqrt(values.size)
