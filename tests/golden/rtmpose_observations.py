"""What is looked at in RTMPose's parts: once for MMPose (the recorder) and once for this package (the tests)."""

from __future__ import annotations

import copy
from types import ModuleType
from typing import Any

import golden_inputs as given
import numpy as np
import torch
from model_observations import fill_weights, summary

SIMCC = {
    "rtmpose": {"sigma": (4.9, 5.66), "normalize": False},
    "normalized": {"sigma": 6.0},
    "dark": {"sigma": (3.0, 2.0), "use_dark": True, "simcc_split_ratio": 3.0},
    "standard": {"smoothing_type": "standard"},
    "smoothed": {"smoothing_type": "standard", "label_smooth_weight": 0.1},
    "visibility": {"sigma": (4.9, 5.66), "decode_visibility": True, "decode_beta": 1.5},
}


def cspnext_cases() -> dict[str, dict[str, Any]]:
    """CSPNeXt in small, with every kind of part, by name."""
    tiny = {"type": "CSPNeXt", "widen_factor": 0.125, "deepen_factor": 0.34}
    return {
        "p5": {**tiny, "out_indices": (0, 1, 2, 3, 4)},
        "p6": {**tiny, "arch": "P6", "out_indices": (4, 5)},
        "no_attention": {**tiny, "channel_attention": False, "out_indices": (4,), "act_cfg": {"type": "ReLU"}},
        "depthwise": {**tiny, "use_depthwise": True, "expand_ratio": 0.75, "spp_kernel_sizes": (3, 7)},
    }


def rtmcc_cases() -> dict[str, dict[str, Any]]:
    """RTMCC heads on 4 channels of features of 4 x 3, by name."""
    base = {
        "type": "RTMCCHead", "in_channels": 4, "out_channels": 17, "input_size": (96, 128),
        "in_featuremap_size": (3, 4), "simcc_split_ratio": 2.0, "final_layer_kernel_size": 3,
        "loss": {"type": "KLDiscretLoss", "use_target_weight": True, "beta": 10.0, "label_softmax": True},
        "decoder": {"type": "SimCCLabel", "input_size": (96, 128), **SIMCC["rtmpose"]},
    }  # fmt: skip
    gau = {
        "hidden_dims": 12, "s": 8, "expansion_factor": 2, "dropout_rate": 0.0, "drop_path": 0.0, "act_fn": "SiLU",
        "use_rel_bias": False, "pos_enc": False,
    }  # fmt: skip
    return {
        "plain": {**base, "gau_cfg": gau},
        "relative": {**base, "gau_cfg": {**gau, "use_rel_bias": True, "act_fn": "ReLU"}},
        "rotary": {**base, "gau_cfg": {**gau, "pos_enc": True, "expansion_factor": 3}},
    }


def observe_cspnext(registry: ModuleType) -> dict[str, Any]:
    """Feature maps of every CSPNeXt, in evaluation and in training, and the names of its tensors in their order."""
    image = torch.from_numpy(given.random_array(1, 2, 3, 192, 128))
    seen = {}
    for name, config in cspnext_cases().items():
        model = fill_weights(registry.MODELS.build(copy.deepcopy(config)))
        with torch.no_grad():
            evaluated = [summary(output) for output in model(image)]
            model.train()
            trained = [summary(output) for output in model(image)]
        names = given.digest([[key, list(value.shape)] for key, value in model.state_dict().items()])
        order = given.digest([key for key, _ in model.named_parameters()])
        seen[name] = {"eval": evaluated, "train": trained, "tensors": names, "parameters": order}
    return seen


def simcc_samples(sample_class: type, codec: Any) -> list[Any]:
    """Two samples with SimCC targets, some keypoints of which are not visible."""
    from mmengine.structures import InstanceData

    samples = []
    for seed in (11, 12):
        random = np.random.RandomState(seed)
        points = (random.rand(1, 17, 2) * (96, 128)).astype(np.float32)
        encoded = codec.encode(points, (random.rand(1, 17) > 0.3).astype(np.float32))
        sample = sample_class(metainfo={"flip_indices": [0, *(i + (1 if i % 2 else -1) for i in range(1, 17))]})
        sample.gt_instance_labels = InstanceData(**{key: torch.from_numpy(encoded[key]) for key in sorted(encoded)})
        samples.append(sample)
    return samples


def observe_rtmcc(registry: ModuleType, sample_class: type) -> dict[str, Any]:
    """Scores, loss, accuracy and flip-tested predictions of every head on random features."""
    seen = {}
    for name, config in rtmcc_cases().items():
        head = fill_weights(registry.MODELS.build(copy.deepcopy(config)))
        codec = registry.KEYPOINT_CODECS.build({"type": "SimCCLabel", "input_size": (96, 128), **SIMCC["rtmpose"]})
        samples = simcc_samples(sample_class, codec)
        features, mirrored = ((torch.from_numpy(given.random_array(seed, 2, 4, 4, 3)),) for seed in (2, 3))
        with torch.no_grad():
            losses = head.loss(features, samples, train_cfg={})
            scores = [summary(axis) for axis in head(features)]
            plain = head.predict(features, samples, test_cfg={})
            flipped, fields = head.predict(
                [features, mirrored], samples, test_cfg={"flip_test": True, "output_heatmaps": True}
            )
        seen[name] = {
            "scores": scores,
            "losses": {key: float(value) for key, value in losses.items()},
            "plain": [_instances(one, ("keypoints", "keypoint_scores")) for one in plain],
            "flipped": [_instances(one, ("keypoints", "keypoint_scores")) for one in flipped],
            "heatmaps": [summary(field.heatmaps) for field in fields],
            "tensors": given.digest([[key, list(value.shape)] for key, value in head.state_dict().items()]),
            "parameters": given.digest([key for key, _ in head.named_parameters()]),
        }
    return seen


def _instances(instances: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: np.asarray(instances[name], np.float32) for name in names}


def observe_simcc(registry: ModuleType) -> dict[str, Any]:
    """Fingerprints of targets of awkward keypoints, and what awkward scores decode to, for every SimCC case."""
    keypoints, visible = given.awkward_keypoints()
    seen = {}
    for name, arguments in SIMCC.items():
        codec = registry.KEYPOINT_CODECS.build({"type": "SimCCLabel", "input_size": (96, 128), **arguments})
        encoded = codec.encode(keypoints.copy(), visible.copy())
        maps = given.heatmaps_to_decode(12)[:-2] + 0.01
        scores = [np.repeat(maps.max(axis), 8, axis=1)[None].copy() for axis in (1, 2)]
        decoded, values = codec.decode(*scores)
        pair = values if isinstance(values, tuple) else (values,)
        seen[name] = {
            "weights": encoded["keypoint_weights"],
            "sums": [encoded[f"keypoint_{axis}_labels"].sum(-1, dtype=np.float64) for axis in "xy"],
            "highest": [encoded[f"keypoint_{axis}_labels"].argmax(-1) for axis in "xy"],
            "values": [given.projections(encoded[f"keypoint_{axis}_labels"], 8) for axis in "xy"],
            "keypoints": np.asarray(decoded, np.float32),
            "scores": [np.asarray(one, np.float32) for one in pair],
        }
    return seen


def kl_cases() -> dict[str, dict[str, Any]]:
    """Arguments of ``KLDiscretLoss`` by name."""
    return {
        "rtmpose": {"beta": 10.0, "label_softmax": True},
        "plain": {},
        "label_beta": {"beta": 2.0, "label_softmax": True, "label_beta": 3.0},
        "unweighted": {"use_target_weight": False, "label_softmax": True},
        "masked": {"mask": [1, 3], "mask_weight": 0.25, "label_softmax": True},
    }


def observe_kl_losses(registry: ModuleType) -> dict[str, float]:
    """The value of ``KLDiscretLoss`` in every case."""
    predicted = tuple(torch.from_numpy(given.random_array(seed, 3, 5, size)) for seed, size in ((1, 20), (2, 30)))
    targets = tuple(
        torch.softmax(torch.from_numpy(given.random_array(seed, 3, 5, size)), -1) for seed, size in ((3, 20), (4, 30))
    )
    weights = torch.from_numpy((np.random.RandomState(5).rand(3, 5) > 0.4).astype(np.float32))
    return {
        name: float(registry.MODELS.build({"type": "KLDiscretLoss", **case})(predicted, targets, weights))
        for name, case in kl_cases().items()
    }


def observe_visibility(registry: ModuleType, sample_class: type) -> dict[str, Any]:
    """Losses, visibility and tensors of heads that predict it, with and without a sigmoid; every keypoint is labelled.

    MMPose's samples do not carry label weights, so here they are put into them.
    """
    from mmengine.structures import InstanceData

    codec = {"type": "MSRAHeatmap", "input_size": (96, 128), "heatmap_size": (24, 32), "sigma": 2}
    pose = {
        "type": "HeatmapHead", "in_channels": 4, "out_channels": 17, "deconv_out_channels": None, "decoder": codec,
        "loss": {"type": "KeypointMSELoss", "use_target_weight": True},
    }  # fmt: skip
    samples = simcc_samples(
        sample_class, registry.KEYPOINT_CODECS.build({"type": "SimCCLabel", "input_size": (96, 128)})
    )
    weights = 0.5 + torch.from_numpy(np.random.RandomState(8).rand(1, 17).astype(np.float32))
    encoder = registry.KEYPOINT_CODECS.build(codec)
    for sample in samples:
        points = (np.random.RandomState(9).rand(1, 17, 2) * (96, 128)).astype(np.float32)
        visible = sample.gt_instance_labels.keypoint_weights.numpy()
        sample.gt_instance_labels = InstanceData(
            keypoint_weights=torch.from_numpy(visible), keypoints_visible_weights=weights
        )
        sample.gt_fields = _heatmap_field(encoder.encode(points, visible)["heatmaps"])
    seen = {}
    for sigmoid in (True, False):
        loss = {"type": "BCELoss", "use_target_weight": True, "use_sigmoid": sigmoid, "loss_weight": 0.5}
        config = {"type": "VisPredictHead", "pose_cfg": copy.deepcopy(pose), "loss": loss}
        head = fill_weights(registry.MODELS.build(config))
        features, mirrored = ((torch.from_numpy(given.random_array(seed, 2, 4, 32, 24)),) for seed in (2, 3))
        with torch.no_grad():
            losses = head.loss(features, samples, train_cfg={})
            flip = {"flip_test": True, "flip_mode": "heatmap", "shift_heatmap": True}
            found = head.predict([features, mirrored], samples, test_cfg=flip)
        found = found[0] if isinstance(found, tuple) else found
        seen[f"sigmoid_{sigmoid}"] = {
            "losses": {key: float(value) for key, value in losses.items()},
            "predicted": [np.asarray(one.keypoints_visible, np.float32).reshape(-1) for one in found],
            "tensors": given.digest(sorted([key, list(value.shape)] for key, value in head.state_dict().items())),
        }
    return seen


def _heatmap_field(heatmaps: np.ndarray) -> Any:
    from mmengine.structures import PixelData

    return PixelData(heatmaps=torch.from_numpy(heatmaps))


def observe_full_tensors(registry: ModuleType) -> dict[str, Any]:
    """Digest of the tensors of RTMPose-m for 17 keypoints, and how many numbers are trained."""
    gau = {**rtmcc_cases()["plain"]["gau_cfg"], "hidden_dims": 256, "s": 128}
    head = {
        **rtmcc_cases()["plain"], "in_channels": 768, "input_size": (192, 256), "in_featuremap_size": (6, 8),
        "final_layer_kernel_size": 7, "gau_cfg": gau,
        "decoder": {"type": "SimCCLabel", "input_size": (192, 256), **SIMCC["rtmpose"]},
    }  # fmt: skip
    backbone = {"type": "CSPNeXt", "deepen_factor": 0.67, "widen_factor": 0.75, "out_indices": (4,)}
    model = registry.MODELS.build(given.estimator(backbone, head, None))
    return {
        "tensors": given.digest([[key, list(value.shape)] for key, value in model.state_dict().items()]),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
    }
