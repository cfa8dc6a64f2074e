"""Coordinates as classes along x and y (Jiang et al., "RTMPose", arXiv:2303.07399)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import torch
import torch.nn as nn
from mmengine.model import BaseModule
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from torch import Tensor

from mmpose_mix.models.accuracy import simcc_pck
from mmpose_mix.models.heads.flip import flip_indices_of_batch
from mmpose_mix.models.heads.gated_attention import RTMCCBlock, ScaleNorm
from mmpose_mix.registry import KEYPOINT_CODECS, MODELS

Features = Sequence[Tensor]
_GAU_CFG = {
    "hidden_dims": 256,
    "s": 128,
    "expansion_factor": 2,
    "dropout_rate": 0.0,
    "drop_path": 0.0,
    "act_fn": "ReLU",
    "use_rel_bias": False,
    "pos_enc": False,
}
_INIT_CFG = (
    {"type": "Normal", "layer": ["Conv2d"], "std": 0.001},
    {"type": "Constant", "layer": "BatchNorm2d", "val": 1},
    {"type": "Normal", "layer": ["Linear"], "std": 0.01, "bias": 0},
)


@MODELS.register_module()
class RTMCCHead(BaseModule):
    """A convolution to one map per keypoint, gated attention among the keypoints, and scores along x and along y.

    Args:
        in_channels: channels of the last feature map.
        out_channels: K, the number of keypoints.
        input_size: (w, h) of the model's input, pixels.
        in_featuremap_size: (w, h) of the last feature map.
        simcc_split_ratio: classes per pixel.
        final_layer_kernel_size: of the convolution, odd.
        gau_cfg: ``hidden_dims`` and the arguments of :class:`RTMCCBlock` ``s``, ``expansion_factor``, ``dropout_rate``,
            ``drop_path``, ``act_fn``, ``use_rel_bias``, ``pos_enc``; those that are left out are as in the default.
        loss: config of the loss, called with predicted scores (x, y), target scores (x, y) and keypoint weights.
        decoder: config of the codec that finds the keypoints in the scores; only prediction needs it.
        init_cfg: see MMEngine's ``BaseModule``; None draws weights from Normal(0, 0.001) and Normal(0, 0.01).

    Raises:
        ValueError: with everything that does not fit, the decoder's sizes included.
    """

    #: Keys of ``test_cfg`` and ``train_cfg`` that this head honours.
    test_options = frozenset({"flip_test", "output_heatmaps"})
    train_options = frozenset({"compute_acc"})

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        input_size: tuple[int, int],
        in_featuremap_size: tuple[int, int],
        simcc_split_ratio: float = 2.0,
        final_layer_kernel_size: int = 1,
        gau_cfg: Mapping[str, Any] = _GAU_CFG,
        loss: Mapping[str, Any] = {"type": "KLDiscretLoss", "use_target_weight": True},
        decoder: Optional[Mapping[str, Any]] = None,
        init_cfg: object = None,
    ) -> None:
        super().__init__(list(_INIT_CFG) if init_cfg is None else init_cfg)
        self.loss_module = MODELS.build(loss)
        self.decoder = None if decoder is None else KEYPOINT_CODECS.build(decoder)
        sizes = {"input_size": input_size, "in_featuremap_size": in_featuremap_size}
        counts = {"in_channels": in_channels, "out_channels": out_channels}
        _check_arguments(counts, sizes, simcc_split_ratio, final_layer_kernel_size, gau_cfg, self.decoder)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.input_size = tuple(input_size)
        self.in_featuremap_size = tuple(in_featuremap_size)
        self.simcc_split_ratio = simcc_split_ratio
        attention = {**_GAU_CFG, **gau_cfg}
        width = attention.pop("hidden_dims")
        places = in_featuremap_size[0] * in_featuremap_size[1]
        self.final_layer = nn.Conv2d(
            in_channels, out_channels, final_layer_kernel_size, padding=final_layer_kernel_size // 2
        )
        self.mlp = nn.Sequential(ScaleNorm(places), nn.Linear(places, width, bias=False))
        self.gau = RTMCCBlock(out_channels, width, width, **attention)
        self.cls_x = nn.Linear(width, int(input_size[0] * simcc_split_ratio), bias=False)
        self.cls_y = nn.Linear(width, int(input_size[1] * simcc_split_ratio), bias=False)

    @property
    def num_keypoints(self) -> int:
        """As many keypoints are predicted."""
        return self.out_channels

    def forward(self, feats: Features) -> tuple[Tensor, Tensor]:
        """Maps from the backbone or neck, the last of them (B, in_channels, h, w) -> scores (B, K, Wx), (B, K, Wy).

        Raises:
            ValueError: if the last map has another number of channels or another size than the head is built for.
        """
        x = feats[-1]
        wanted = (self.in_channels, *reversed(self.in_featuremap_size))
        if tuple(x.shape[1:]) != wanted:
            raise ValueError(
                f"RTMCCHead: in_channels={self.in_channels} and in_featuremap_size={self.in_featuremap_size} (w, h), "
                f"but the last feature map has {x.shape[1]} channels and the size {tuple(x.shape[:1:-1])}. The size is "
                "the image's, which input_size has to name, over the backbone's stride."
            )
        x = self.gau(self.mlp(self.final_layer(x).flatten(2)))
        return self.cls_x(x), self.cls_y(x)

    def loss(
        self, feats: Features, data_samples: Sequence[BaseDataElement], train_cfg: Optional[Mapping[str, Any]] = None
    ) -> dict[str, Tensor]:
        """Losses of a batch: ``loss_kpt``, and ``acc_pose`` (PCK at 0.05) unless ``train_cfg.compute_acc=False``.

        Args:
            feats: as in :meth:`forward`.
            data_samples: B samples with ``gt_instance_labels``: ``keypoint_x_labels`` (1, K, Wx),
                ``keypoint_y_labels`` (1, K, Wy) and ``keypoint_weights`` (1, K), which hold visibility and label
                weight.
        """
        predicted = self.forward(feats)
        labels = [sample.gt_instance_labels for sample in data_samples]
        targets = tuple(torch.cat([one[f"keypoint_{axis}_labels"] for one in labels]) for axis in "xy")
        weights = torch.cat([one.keypoint_weights for one in labels])
        losses = {"loss_kpt": self.loss_module(predicted, targets, weights)}
        if (train_cfg or {}).get("compute_acc", True):
            losses["acc_pose"] = simcc_pck(predicted, targets, weights)
        return losses

    def predict(
        self,
        feats: Union[Features, Sequence[Features]],
        data_samples: Sequence[BaseDataElement],
        test_cfg: Optional[Mapping[str, Any]] = None,
    ) -> Union[list[InstanceData], tuple[list[InstanceData], list[PixelData]]]:
        """Keypoints in pixels of the input image.

        Args:
            feats: as in :meth:`forward`; with ``flip_test`` a pair of such, of the images and of the mirrored images.
            data_samples: B samples; the flip test takes their ``flip_indices``.
            test_cfg: ``flip_test`` (False), ``output_heatmaps`` (False).

        Returns:
            B times ``keypoints`` (1, K, 2) float32 and ``keypoint_scores`` (1, K), and ``keypoints_visible`` (1, K)
            where the decoder tells it; with ``output_heatmaps`` they also have ``keypoint_x_labels`` (1, K, Wx) and
            ``keypoint_y_labels`` (1, K, Wy), and B times ``heatmaps`` (K, Wy, Wx) come, the products of both.

        Raises:
            ValueError: without a decoder; with ``flip_indices`` that do not fit.
        """
        test_cfg = test_cfg or {}
        if self.decoder is None:
            raise ValueError("RTMCCHead: prediction needs a decoder; set head.decoder to the codec of the training.")
        scores = self._flip_test(feats, data_samples) if test_cfg.get("flip_test") else self.forward(feats)
        x, y = (axis.detach().float() for axis in scores)
        instances = [self._decode(*pair) for pair in zip(x.cpu().numpy(), y.cpu().numpy())]
        if not test_cfg.get("output_heatmaps"):
            return instances
        x, y = _at_most_one(x), _at_most_one(y)
        for one, of_x, of_y in zip(instances, x.cpu().numpy(), y.cpu().numpy()):
            one.keypoint_x_labels, one.keypoint_y_labels = of_x[None], of_y[None]
        return instances, [PixelData(heatmaps=maps) for maps in y[..., :, None] * x[..., None, :]]

    def _flip_test(self, feats: Sequence[Features], data_samples: Sequence[BaseDataElement]) -> tuple[Tensor, Tensor]:
        (x, y), (mirrored_x, mirrored_y) = (self.forward(each) for each in feats)
        partners = flip_indices_of_batch(data_samples, self.num_keypoints)
        return (x + mirrored_x[:, partners].flip(-1)) * 0.5, (y + mirrored_y[:, partners]) * 0.5

    def _decode(self, x: Any, y: Any) -> InstanceData:
        keypoints, scores = self.decoder.decode(x, y)
        if isinstance(scores, tuple):
            scores, visible = scores
            return InstanceData(keypoints=keypoints, keypoint_scores=scores, keypoints_visible=visible)
        return InstanceData(keypoints=keypoints, keypoint_scores=scores)


def _at_most_one(scores: Tensor) -> Tensor:
    """Scores (B, K, W) without what is below 0, over their maximum where that is above 1."""
    scores = scores.clamp(min=0)
    return scores / scores.amax(dim=-1, keepdim=True).clamp(min=1)


def _check_arguments(
    counts: Mapping[str, Any],
    sizes: Mapping[str, Any],
    ratio: float,
    kernel_size: int,
    gau_cfg: Mapping[str, Any],
    decoder: Any,
) -> None:
    findings = [
        f"{name}={value!r} is no number from 1"
        for name, value in counts.items()
        if not isinstance(value, int) or value < 1
    ]
    for name, size in sizes.items():
        if not isinstance(size, Sequence) or len(size) != 2 or min(size) < 1:
            findings.append(f"{name}={size!r} must be two numbers (w, h) from 1")
    if not ratio > 0:
        findings.append(f"simcc_split_ratio={ratio!r} must be above 0")
    if kernel_size % 2 == 0:
        findings.append(f"final_layer_kernel_size={kernel_size} must be odd")
    unknown = sorted(set(gau_cfg) - set(_GAU_CFG))
    if unknown:
        findings.append(f"gau_cfg has {', '.join(map(repr, unknown))}, but {', '.join(_GAU_CFG)} are allowed")
    mine = {"input_size": tuple(sizes["input_size"]), "simcc_split_ratio": ratio}
    findings += [
        f"{name}={value}, but the decoder has {getattr(decoder, name)}"
        for name, value in mine.items()
        if getattr(decoder, name, value) != value
    ]
    if findings:
        raise ValueError(f"RTMCCHead: {'; '.join(findings)}.")
