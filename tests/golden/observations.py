"""What is looked at, once for MMPose (the recorder) and once for this package (the tests).

Each function takes a registry module (``mmpose.registry`` or ``mmpose_mix.registry``: the names are the same) and
returns a tree of numbers that ``golden_file`` can store.
"""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import golden_inputs as given
import numpy as np

DIGESTED = ("segmentation", "raw_ann_info", "invalid_segs")


def observe_item(item: dict[str, Any]) -> dict[str, Any]:
    """The fields of a data set item: file names without folders, nested annotations and images as digests."""
    seen = {}
    for key, value in item.items():
        if key == "dataset":
            continue
        if key == "img_path":
            value = Path(value).name
        elif key == "img":
            value = {"digest": given.digest(value), "shape": list(value.shape), "projections": given.projections(value)}
        elif key in DIGESTED:
            value = given.digest(value)
        seen[key] = value
    return seen


def observe_datasets(registry: ModuleType, cases: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Every item and the metainfo's class names of every data set case."""
    seen = {}
    for name, config in cases.items():
        dataset = registry.DATASETS.build(copy.deepcopy(config))
        items = [observe_item(dataset[index]) for index in range(len(dataset))]
        seen[name] = {"items": items, "classes": [entry["name"] for entry in dataset.metainfo.get("CLASSES", ())]}
    return seen


def observe_combined(registry: ModuleType, samples: Path, metainfo_folder: Path) -> dict[str, Any]:
    """Every item of every mixture case, and the lengths of its sources."""
    seen = {}
    for name, config in given.combined_cases(samples, metainfo_folder).items():
        dataset = registry.DATASETS.build(config)
        items = [observe_item(dataset[index]) for index in range(len(dataset))]
        seen[name] = {"items": items, "lens": list(dataset.lens)}
    return seen


def observe_metainfo(
    parse: Any, metainfo_folder: Path, names: tuple[str, ...] = given.METAINFO_FILES
) -> dict[str, Any]:
    """The parsed metainfo of each file."""
    seen = {}
    for name in names:
        parsed = parse({"from_file": str(metainfo_folder / f"{name}.py")})
        parsed["keypoint_colors"], parsed["skeleton_link_colors"] = (
            np.asarray(parsed[key], np.uint8) for key in ("keypoint_colors", "skeleton_link_colors")
        )
        parsed["keypoint_id2name"] = [parsed["keypoint_id2name"][index] for index in range(parsed["num_keypoints"])]
        seen[name] = parsed
    return seen


def observe_converters(registry: ModuleType) -> dict[str, Any]:
    """What each converter makes of its points."""
    seen = {}
    for name, config in given.converter_cases().items():
        arguments = {key: config[key] for key in ("num_keypoints", "mapping")}
        converter = registry.TRANSFORMS.build({"type": "KeypointConverter", **arguments})
        result = converter({key: value.copy() for key, value in config["given"].items()})
        seen[name] = {key: result[key] for key in ("keypoints", "keypoints_visible")}
    return seen


def _snapshot(results: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for key, value in results.items():
        if key in ("bbox", "bbox_center", "bbox_scale", "bbox_rotation", "keypoints", "keypoints_visible", "flip",
                   "flip_direction", "transformed_keypoints", "input_size", "input_center", "input_scale", "img_shape",
                   "ori_shape", "keypoint_weights", "keypoints_visible_weights"):  # fmt: skip
            kept[key] = copy.deepcopy(value)
        elif key == "img":
            kept["img"] = {"digest": given.digest(value), "projections": given.projections(value, 8)}
        elif key == "heatmaps":
            flat = value.reshape(len(value), -1).astype(np.float64)
            kept["heatmaps"] = {
                "sum": flat.sum(1),
                "argmax": flat.argmax(1),
                "projections": given.projections(value, 8),
            }
    return kept


def _changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in after.items()
        if key not in before or given.digest([before[key]]) != given.digest([value])
    }


def observe_chain(registry: ModuleType, dataset: Any, index: int, seed: int, chain: list[Any]) -> list[Any]:
    """Run item ``index`` through the chain under a seed made of both: per transform its name and what it changed.

    The last entry is the next number that numpy's generator gives: it tells how many were drawn.
    """
    np.random.seed(1000 * seed + index)
    results = dataset[index]
    before: dict[str, Any] = {}
    stages: list[Any] = []
    for config in ({"type": "LoadImage"}, {"type": "GetBBoxCenterScale"}, *copy.deepcopy(chain)):
        results = registry.TRANSFORMS.build(config)(results)
        after = _snapshot(results)
        stages.append([config["type"], _changed(before, after)])
        before = after
    stages.append(["next draw", np.random.rand()])
    return stages


def observe_transforms(registry: ModuleType, samples: Path, metainfo_folder: Path) -> dict[str, Any]:
    """Every chain on every item under every seed."""
    mixtures = {
        name: registry.DATASETS.build(config)
        for name, config in given.combined_cases(samples, metainfo_folder).items()
        if name in ("merge", "combine")
    }
    seen = {}
    for name, case in given.transform_cases().items():
        dataset = mixtures[case["mixture"]]
        for index in case["items"]:
            for seed in case["seeds"]:
                seen[f"{name}/{index}/{seed}"] = observe_chain(registry, dataset, index, seed, case["chain"])
    return seen


def packed_sample(registry: ModuleType, dataset: Any, index: int, encoder: Any = None, **options: Any) -> Any:
    """Item ``index`` as a model gets it, without augmentation: inputs and data sample."""
    results = dataset[index]
    chain: list[Any] = [{"type": "LoadImage"}, {"type": "GetBBoxCenterScale"}]
    chain.append({"type": "TopdownAffine", "input_size": (96, 128)})
    if encoder:
        chain.append({"type": "GenerateTarget", "encoder": encoder})
    for config in (*chain, {"type": "PackPoseInputs", **options}):
        results = registry.TRANSFORMS.build(copy.deepcopy(config))(results)
    return results


def observe_packing(registry: ModuleType, samples: Path, metainfo_folder: Path) -> dict[str, Any]:
    """Names, shapes and sums of what ``PackPoseInputs`` makes of a plain and of a converted sample."""
    config = given.combined_cases(samples, metainfo_folder)["merge"]
    dataset = registry.DATASETS.build(config)
    seen = {}
    for index in (0, 13):
        packed = packed_sample(registry, dataset, index, given.codec_cases()["msra"], pack_transformed=True)
        sample = packed["data_samples"]
        boxes = {
            part: {name: np.asarray(value) for name, value in getattr(sample, part).all_items()}
            for part in ("gt_instances", "gt_instance_labels")
        }
        boxes["gt_fields"] = {name: list(value.shape) for name, value in sample.gt_fields.all_items()}
        boxes["metainfo"] = sorted(sample.metainfo_keys())
        boxes["inputs"] = {
            "shape": list(packed["inputs"].shape),
            "projections": given.projections(packed["inputs"].numpy()),
        }
        seen[str(index)] = boxes
    return seen


def observe_codecs(registry: ModuleType) -> dict[str, Any]:
    """Heatmaps and weights of awkward keypoints, and keypoints and scores of awkward heatmaps, for every codec case."""
    keypoints, visible = given.awkward_keypoints()
    seen = {}
    for name, config in given.codec_cases().items():
        codec = registry.KEYPOINT_CODECS.build(dict(config))
        encoded = codec.encode(keypoints.copy(), visible.copy())
        decoded, scores = codec.decode(given.heatmaps_to_decode(18))
        seen[name] = {
            "heatmaps": encoded["heatmaps"],
            "keypoint_weights": encoded["keypoint_weights"],
            "keypoints": np.asarray(decoded, np.float32),
            "scores": np.asarray(scores, np.float32),
            "scale_factor": np.asarray(codec.scale_factor, np.float32),
        }
    return seen


def evaluation_cases(samples: Path) -> dict[str, dict[str, Any]]:
    """Arguments of ``CocoMetric``, the metainfo name and the keypoint count, by name."""
    cases = {}
    for data, count in (("coco", 17), ("aic", 14)):
        ann_file = str(samples / data / f"test_{data}.json")
        for score in ("bbox", "bbox_keypoint", "bbox_rle", "keypoint"):
            for nms in ("none", "oks_nms", "soft_oks_nms"):
                arguments = {"ann_file": ann_file, "score_mode": score, "nms_mode": nms, "use_area": data == "coco"}
                cases[f"{data}/{score}/{nms}"] = {"metainfo": data, "count": count, "arguments": arguments}
    strict = {"ann_file": str(samples / "coco" / "test_coco.json"), "nms_thr": 0.6, "keypoint_score_thr": 0.5}
    cases["coco/strict"] = {"metainfo": "coco", "count": 17, "arguments": strict}
    no_area = {"ann_file": strict["ann_file"], "use_area": False}
    cases["coco/area_from_box"] = {"metainfo": "coco", "count": 17, "arguments": no_area}
    narrowing = {"ann_file": strict["ann_file"], "pred_converter": _converter(17, given.COCO_TO_UNION)}
    widened = {"count": 17, "widened": given.COCO_TO_UNION, "to": 19}
    cases["coco/pred_converter"] = {"metainfo": "coco", "arguments": narrowing, **widened}
    mapped = {"ann_file": str(samples / "aic" / "test_aic.json"), "use_area": False}
    mapped["gt_converter"] = _converter(17, given.AIC_TO_COCO)
    widened = {"count": 14, "widened": given.AIC_TO_COCO, "to": 17}
    cases["aic/gt_converter"] = {"metainfo": "aic", "arguments": mapped, **widened}
    return cases


def _converter(num_keypoints: int, mapping: list[Any]) -> dict[str, Any]:
    return {"num_keypoints": num_keypoints, "mapping": mapping}


def _widened(prediction: dict[str, Any], mapping: list[Any], count: int) -> dict[str, Any]:
    """The prediction in a larger keypoint set; points that nothing maps to lie at (0, 0) with score 0."""
    wide = {**prediction}
    for key in ("keypoints", "keypoint_scores"):
        old = prediction[key]
        wide[key] = np.zeros((1, count, *old.shape[2:]), np.float32)
        for start, target in mapping:
            wide[key][:, target] = old[:, start]
    return wide


def as_data_sample(prediction: dict[str, Any]) -> dict[str, Any]:
    """A prediction as a metric gets it from an estimator."""
    instances = {key: prediction[key] for key in ("keypoints", "keypoint_scores", "bboxes", "bbox_scores")}
    return {
        "id": prediction["id"],
        "img_id": prediction["img_id"],
        "category_id": prediction["category_id"],
        "pred_instances": instances,
        "gt_instances": {"bbox_scales": prediction["bbox_scales"], "bbox_scores": prediction["bbox_scores"]},
    }


def observe_metric(
    registry: ModuleType, meta: dict[str, Any], case: dict[str, Any], predictions: Any
) -> dict[str, Any]:
    """The figures of one metric case and the detections that it kept: image and score."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = str(Path(folder) / "result")
        metric = registry.METRICS.build({"type": "CocoMetric", "outfile_prefix": prefix, **case["arguments"]})
        metric.dataset_meta = copy.deepcopy(meta)
        metric.process([], [as_data_sample(prediction) for prediction in copy.deepcopy(predictions)])
        figures = metric.evaluate(len(predictions))
        kept = json.loads(Path(f"{prefix}.keypoints.json").read_text())
    kept.sort(key=lambda detection: (detection["image_id"], detection["score"], detection["keypoints"]))
    return {
        "figures": {name: float(value) for name, value in figures.items()},
        "kept": np.array([[row["image_id"], row["score"], sum(row["keypoints"])] for row in kept], np.float64),
        "fields": sorted(kept[0]),
    }


def observe_evaluation(registry: ModuleType, metas: dict[str, Any], samples: Path) -> dict[str, Any]:
    """Every metric case on noisy predictions made from the annotations."""
    seen = {}
    for name, case in evaluation_cases(samples).items():
        noise = 0.03 if case["metainfo"] == "coco" else 0.006  # AIC's sigmas are about a fifth of COCO's
        predictions = given.noisy_predictions(Path(case["arguments"]["ann_file"]), case["count"], noise)
        if "widened" in case:
            predictions = [_widened(prediction, case["widened"], case["to"]) for prediction in predictions]
        seen[name] = observe_metric(registry, metas[case["metainfo"]], case, predictions)
    return seen
