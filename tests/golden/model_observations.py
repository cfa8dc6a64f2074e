"""What is looked at in the models: once for MMPose (the recorder) and once for this package (the tests)."""

from __future__ import annotations

import copy
from pathlib import Path
from types import ModuleType
from typing import Any

import golden_inputs as given
import numpy as np
import torch
from observations import packed_sample


def fill_weights(model: torch.nn.Module) -> torch.nn.Module:
    """Give every tensor of ``model`` the value that its name and shape determine, and set it to evaluation."""
    state = model.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked") and not name.startswith("data_preprocessor"):
            state[name] = torch.from_numpy(given.weight(name, tuple(tensor.shape)))
    model.load_state_dict(state)
    model.eval()
    return model


def summary(tensor: torch.Tensor) -> dict[str, Any]:
    """Shape, fingerprint and first numbers of a tensor."""
    array = tensor.detach().numpy()
    return {"shape": list(array.shape), "projections": given.projections(array), "first": array.reshape(-1)[:64].copy()}


def observe_backbones(registry: ModuleType) -> dict[str, Any]:
    """The outputs of every backbone on a small random image, in evaluation and (batch statistics) in training."""
    image = torch.from_numpy(given.random_array(1, 2, 3, 96, 64))
    seen = {}
    for name, config in given.backbone_cases().items():
        model = fill_weights(registry.MODELS.build(copy.deepcopy(config)))
        with torch.no_grad():
            evaluated = [summary(output) for output in model(image)]
            model.train()
            seen[name] = {"eval": evaluated, "train": [summary(output) for output in model(image)]}
    return seen


def _labelled_samples(sample_class: type, instance_class: type, field_class: type, codec: Any) -> list[Any]:
    samples = []
    for seed in (11, 12):
        random = np.random.RandomState(seed)
        points = (random.rand(1, 17, 2) * (96, 128)).astype(np.float32)
        encoded = codec.encode(points, (random.rand(1, 17) > 0.3).astype(np.float32))
        sample = sample_class()
        sample.gt_instance_labels = instance_class(keypoint_weights=torch.from_numpy(encoded["keypoint_weights"]))
        sample.gt_fields = field_class(heatmaps=torch.from_numpy(encoded["heatmaps"]))
        samples.append(sample)
    return samples


def observe_heads(registry: ModuleType, sample_class: type) -> dict[str, Any]:
    """Heatmaps, loss and accuracy of every head on random features."""
    from mmengine.structures import InstanceData, PixelData

    codec = registry.KEYPOINT_CODECS.build(given.codec_cases()["msra"])
    samples = _labelled_samples(sample_class, InstanceData, PixelData, codec)
    seen = {}
    for name, config in given.head_cases().items():
        head = fill_weights(registry.MODELS.build(copy.deepcopy(config)))
        shrink = 4 if name == "deconvolved" else 1
        features = (torch.from_numpy(given.random_array(2, 2, 4, 32 // shrink, 24 // shrink)),)
        with torch.no_grad():
            losses = head.loss(features, samples, train_cfg={})
            seen[name] = {"heatmaps": summary(head(features)), **{key: float(value) for key, value in losses.items()}}
    return seen


def loss_cases() -> dict[str, tuple[dict[str, Any], tuple[str, ...]]]:
    """Arguments of ``KeypointMSELoss`` and which of weights, pixel weights and mask it is called with."""
    return {
        "plain": ({}, ()),
        "weighted": ({"use_target_weight": True}, ("target_weights",)),
        "halved": ({"use_target_weight": True, "loss_weight": 0.5}, ("target_weights",)),
        "skip_empty": ({"use_target_weight": True, "skip_empty_channel": True}, ("target_weights",)),
        "masked": ({"use_target_weight": True}, ("target_weights", "mask")),
        "only_mask": ({}, ("mask",)),
        "pixel_weights": ({"use_target_weight": True}, ("pixel_weights",)),
        "weights_not_wanted": ({"use_target_weight": False}, ("target_weights",)),
    }


def observe_losses(registry: ModuleType) -> dict[str, Any]:
    """The value of ``KeypointMSELoss`` in every case."""
    random = np.random.RandomState(5)
    output, target = (torch.from_numpy(given.random_array(seed, 2, 5, 6, 4)) for seed in (3, 4))
    target[0, 1] = 0
    extras = {
        "target_weights": torch.from_numpy((random.rand(2, 5) > 0.4).astype(np.float32)),
        "pixel_weights": torch.from_numpy(random.rand(2, 5, 6, 4).astype(np.float32)),
        "mask": torch.from_numpy((random.rand(2, 1, 6, 4) > 0.5).astype(np.float32)),
    }
    seen = {}
    for name, (arguments, names) in loss_cases().items():
        loss = registry.MODELS.build({"type": "KeypointMSELoss", **arguments})
        keywords = {key.replace("pixel_weights", "target_weights"): extras[key] for key in names}
        seen[name] = float(loss(output, target, **keywords))
    disks = torch.from_numpy((random.rand(2, 6, 6, 4) > 0.5).astype(np.float32))
    for weighted in (True, False):
        combined = registry.MODELS.build({"type": "CombinedTargetMSELoss", "use_target_weight": weighted})
        predicted = torch.from_numpy(given.random_array(6, 2, 6, 6, 4))
        seen[f"combined_{'weighted' if weighted else 'plain'}"] = float(
            combined(predicted, disks, extras["target_weights"][:, :2])
        )
    return seen


def estimator_cases(metainfo_folder: Path) -> dict[str, dict[str, Any]]:
    """Estimator configs on the tiny HRNet, by name, with the mixture that they are tried on."""

    def config(name: str, count: int, **test_cfg: Any) -> dict[str, Any]:
        head = {**given.head_cases()["plain"], "out_channels": count}
        metainfo = {"from_file": str(metainfo_folder / f"{name}.py")}
        return given.estimator(given.tiny_hrnet(), head, metainfo, **test_cfg)

    flip = {"flip_test": True, "flip_mode": "heatmap", "output_heatmaps": True}
    return {
        "plain": {"mixture": "merge", "model": config("coco", 17)},
        "flip": {"mixture": "merge", "model": config("coco", 17, shift_heatmap=False, **flip)},
        "shifted_flip": {"mixture": "merge", "model": config("coco", 17, shift_heatmap=True, **flip)},
        "first_seventeen": {
            "mixture": "combine",
            "model": config("coco_aic", 19, shift_heatmap=True, output_keypoint_indices=list(range(17)), **flip),
        },
    }


def observe_estimators(registry: ModuleType, samples: Path, metainfo_folder: Path) -> dict[str, Any]:
    """Losses and predictions of every estimator on one COCO and one AIC person of the mixture."""
    mixtures = given.combined_cases(samples, metainfo_folder)
    seen = {}
    for name, case in estimator_cases(metainfo_folder).items():
        dataset = registry.DATASETS.build(copy.deepcopy(mixtures[case["mixture"]]))
        model = fill_weights(registry.MODELS.build(copy.deepcopy(case["model"])))
        packed = [packed_sample(registry, dataset, index, given.codec_cases()["msra"]) for index in (1, 14)]
        batch = {"inputs": [one["inputs"] for one in packed], "data_samples": [one["data_samples"] for one in packed]}
        with torch.no_grad():
            data = model.data_preprocessor(copy.deepcopy(batch), training=True)
            losses = model.loss(data["inputs"], data["data_samples"])
            data = model.data_preprocessor(copy.deepcopy(batch), training=False)
            results = model.predict(data["inputs"], data["data_samples"])
        seen[name] = {
            "inputs": summary(data["inputs"]),
            "losses": {key: float(value) for key, value in losses.items()},
            "predictions": [_prediction(result) for result in results],
        }
    return seen


def _prediction(result: Any) -> dict[str, Any]:
    seen = {key: np.asarray(value) for key, value in result.pred_instances.all_items()}
    if "pred_fields" in result:
        seen["heatmaps"] = summary(result.pred_fields.heatmaps)
    return seen


def observe_state_dicts(registry: ModuleType, metainfo_folder: Path) -> dict[str, Any]:
    """Names and shapes of all tensors of full estimators, and how many numbers are trained."""
    seen = {}
    codec = {"type": "MSRAHeatmap", "input_size": (192, 256), "heatmap_size": (48, 64), "sigma": 2}
    loss = {"type": "KeypointMSELoss", "use_target_weight": True}
    resnet = {"type": "ResNet", "depth": 50}
    cases = [
        ("hrnet_w32_17", given.full_hrnet_w32(), 32, {"deconv_out_channels": None}, "coco", 17),
        ("hrnet_w32_19", given.full_hrnet_w32(), 32, {"deconv_out_channels": None}, "coco_aic", 19),
        ("resnet50_17", resnet, 2048, {}, "coco", 17),
        ("resnet18_17", {"type": "ResNet", "depth": 18}, 512, {}, "coco", 17),
    ]
    for name, backbone, channels, options, metainfo, count in cases:
        head = {"type": "HeatmapHead", "in_channels": channels, "out_channels": count, "loss": loss, "decoder": codec}
        file = {"from_file": str(metainfo_folder / f"{metainfo}.py")}
        model = registry.MODELS.build(given.estimator(backbone, {**head, **options}, file))
        seen[name] = {
            "tensors": {key: list(tensor.shape) for key, tensor in model.state_dict().items()},
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
        }
    return seen
