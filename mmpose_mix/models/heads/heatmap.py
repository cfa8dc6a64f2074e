"""Heatmaps from feature maps (Xiao et al., "Simple Baselines for Human Pose Estimation and Tracking", ECCV 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import torch
import torch.nn as nn
from mmcv.cnn import build_conv_layer, build_upsample_layer
from mmengine.model import BaseModule
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from torch import Tensor

from mmpose_mix.models.accuracy import heatmap_pck
from mmpose_mix.models.heads.flip import CHANNELS_PER_KEYPOINT, flip_indices_of_batch, unflip_heatmaps
from mmpose_mix.registry import KEYPOINT_CODECS, MODELS

Features = Sequence[Tensor]
# (padding, output_padding) that make a deconvolution of stride 2 double the size
_DECONV_PADDING = {4: (1, 0), 3: (1, 1), 2: (0, 0)}
_INIT_CFG = (
    {"type": "Normal", "layer": ["Conv2d", "ConvTranspose2d"], "std": 0.001},
    {"type": "Constant", "layer": "BatchNorm2d", "val": 1},
)


@MODELS.register_module()
class HeatmapHead(BaseModule):
    """Deconvolutions, convolutions and a final convolution on the last feature map; one heatmap per keypoint.

    Args:
        in_channels: channels of the last feature map.
        out_channels: number of heatmaps.
        deconv_out_channels, deconv_kernel_sizes: of each deconvolution, which doubles the size; kernels 2, 3 or 4. None
            or empty: no deconvolution.
        conv_out_channels, conv_kernel_sizes: of each convolution after them. None or empty: none.
        final_layer: arguments of the last ``Conv2d``; None leaves it out.
        loss: config of the loss on heatmaps, called with predicted, target heatmaps and keypoint weights.
        decoder: config of the codec that finds the keypoints in heatmaps; only prediction needs it.
        init_cfg: see MMEngine's ``BaseModule``; None draws weights from Normal(0, 0.001).

    Raises:
        ValueError: with everything about the layers that does not fit.
    """

    _version = 2

    #: Keys of ``test_cfg`` and ``train_cfg`` that this head honours.
    test_options = frozenset({"flip_test", "flip_mode", "shift_heatmap", "output_heatmaps"})
    train_options = frozenset({"compute_acc"})

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        deconv_out_channels: Optional[Sequence[int]] = (256, 256, 256),
        deconv_kernel_sizes: Optional[Sequence[int]] = (4, 4, 4),
        conv_out_channels: Optional[Sequence[int]] = None,
        conv_kernel_sizes: Optional[Sequence[int]] = None,
        final_layer: Optional[Mapping[str, Any]] = {"kernel_size": 1},
        loss: Mapping[str, Any] = {"type": "KeypointMSELoss", "use_target_weight": True},
        decoder: Optional[Mapping[str, Any]] = None,
        init_cfg: object = None,
    ) -> None:
        super().__init__(list(_INIT_CFG) if init_cfg is None else init_cfg)
        deconvs = list(zip(deconv_out_channels or (), deconv_kernel_sizes or ()))
        convs = list(zip(conv_out_channels or (), conv_kernel_sizes or ()))
        _check_layers(
            in_channels, out_channels, deconv_out_channels, deconv_kernel_sizes, conv_out_channels, conv_kernel_sizes
        )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.loss_module = MODELS.build(loss)
        self.decoder = None if decoder is None else KEYPOINT_CODECS.build(decoder)
        self.deconv_layers = _stack(_deconv, in_channels, deconvs)
        channels = deconvs[-1][0] if deconvs else in_channels
        self.conv_layers = _stack(_conv, channels, convs)
        channels = convs[-1][0] if convs else channels
        self.final_layer = nn.Identity()
        if final_layer is not None:
            final = {"type": "Conv2d", "in_channels": channels, "out_channels": out_channels, "kernel_size": 1}
            self.final_layer = build_conv_layer({**final, **final_layer})
        self._register_load_state_dict_pre_hook(self._rename_old_keys)

    @property
    def num_keypoints(self) -> int:
        """Of as many keypoints are the heatmaps, by the codec's maps for each."""
        return self.out_channels // getattr(self.decoder, "maps_per_keypoint", 1)

    def forward(self, feats: Features) -> Tensor:
        """Maps from the backbone or neck, the last of them (B, in_channels, h, w) -> heatmaps (B, out_channels, H, W).

        Raises:
            ValueError: if the last map has another number of channels.
        """
        x = feats[-1]
        if x.shape[1] != self.in_channels:
            raise ValueError(
                f"HeatmapHead.in_channels={self.in_channels}, but the last feature map has {x.shape[1]} channels. Set "
                f"head.in_channels={x.shape[1]}."
            )
        return self.final_layer(self.conv_layers(self.deconv_layers(x)))

    def loss(
        self, feats: Features, data_samples: Sequence[BaseDataElement], train_cfg: Optional[Mapping[str, Any]] = None
    ) -> dict[str, Tensor]:
        """Losses of a batch: ``loss_kpt``, and ``acc_pose`` (PCK at 0.05) unless ``train_cfg.compute_acc=False``.

        Args:
            feats: as in :meth:`forward`.
            data_samples: B samples with ``gt_fields.heatmaps`` (K, H, W) and ``gt_instance_labels.keypoint_weights``
                (1, K); weights hold visibility and label weight.
        """
        heatmaps = self.forward(feats)
        targets = torch.stack([sample.gt_fields.heatmaps for sample in data_samples])
        weights = torch.cat([sample.gt_instance_labels.keypoint_weights for sample in data_samples])
        losses = {"loss_kpt": self.loss_module(heatmaps, targets, weights)}
        if (train_cfg or {}).get("compute_acc", True):
            per_keypoint = max(targets.shape[1] // weights.shape[1], 1)
            losses["acc_pose"] = heatmap_pck(heatmaps[:, ::per_keypoint], targets[:, ::per_keypoint], weights)
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
            test_cfg: ``flip_test`` (False), ``flip_mode`` ("heatmap", "udp_combined"), ``shift_heatmap`` (False),
                ``output_heatmaps`` (False).

        Returns:
            B times ``keypoints`` (1, K, 2) float32 and ``keypoint_scores`` (1, K); with ``output_heatmaps`` also B
            times ``heatmaps`` (K, H, W).

        Raises:
            ValueError: without a decoder; with ``flip_indices`` that do not fit.
        """
        test_cfg = test_cfg or {}
        if self.decoder is None:
            raise ValueError("HeatmapHead: prediction needs a decoder; set head.decoder to the codec of the training.")
        heatmaps = self._flip_test(feats, data_samples, test_cfg) if test_cfg.get("flip_test") else self.forward(feats)
        heatmaps = heatmaps.detach()
        instances = [self._decode(maps) for maps in heatmaps.float().cpu().numpy()]
        if test_cfg.get("output_heatmaps"):
            return instances, [PixelData(heatmaps=maps) for maps in heatmaps]
        return instances

    def _flip_test(
        self, feats: Sequence[Features], data_samples: Sequence[BaseDataElement], test_cfg: Mapping[str, Any]
    ) -> Tensor:
        straight, mirrored = (self.forward(each) for each in feats)
        mode = test_cfg.get("flip_mode", "heatmap")
        flip_indices = flip_indices_of_batch(data_samples, mirrored.shape[1] // CHANNELS_PER_KEYPOINT[mode])
        unflipped = unflip_heatmaps(mirrored, flip_indices, mode, bool(test_cfg.get("shift_heatmap", False)))
        return (straight + unflipped) * 0.5

    def _decode(self, heatmaps: Any) -> InstanceData:
        keypoints, scores = self.decoder.decode(heatmaps)
        return InstanceData(keypoints=keypoints, keypoint_scores=scores)

    def _rename_old_keys(self, state_dict: dict, prefix: str, local_metadata: dict, *_: object) -> None:
        """Before version 2 the convolutions and the last one were one sequence, ``final_layer``.

        A single convolution was ``final_layer.weight`` then as now; of a sequence, ``final_layer.N.weight``, the last
        number is the final layer's.
        """
        if local_metadata.get("version", 1) >= 2:
            return
        old = f"{prefix}final_layer."
        for key in [key for key in state_dict if key.startswith(old) and key.count(".") == old.count(".") + 1]:
            place, name = key[len(old) :].split(".")
            is_conv = isinstance(self.conv_layers, nn.Sequential) and int(place) < len(self.conv_layers)
            state_dict[f"{prefix}conv_layers.{place}.{name}" if is_conv else old + name] = state_dict.pop(key)


def _stack(layer: Any, in_channels: int, shapes: Sequence[tuple[int, int]]) -> nn.Module:
    """Layers of (out_channels, kernel_size) in a row, each with batch norm and ReLU; nothing for no shapes."""
    modules: list[nn.Module] = []
    for out_channels, kernel_size in shapes:
        modules += [layer(in_channels, out_channels, kernel_size), nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]
        in_channels = out_channels
    return nn.Sequential(*modules) if modules else nn.Identity()


def _conv(in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
    return build_conv_layer({"type": "Conv2d"}, in_channels, out_channels, kernel_size, padding=(kernel_size - 1) // 2)


def _deconv(in_channels: int, out_channels: int, kernel_size: int) -> nn.Module:
    padding, output_padding = _DECONV_PADDING[kernel_size]
    return build_upsample_layer(
        {
            "type": "deconv",
            "in_channels": in_channels,
            "out_channels": out_channels,
            "kernel_size": kernel_size,
            "stride": 2,
            "padding": padding,
            "output_padding": output_padding,
            "bias": False,
        }
    )


def _check_layers(
    in_channels: object,
    out_channels: object,
    deconv_out_channels: Optional[Sequence[int]],
    deconv_kernel_sizes: Optional[Sequence[int]],
    conv_out_channels: Optional[Sequence[int]],
    conv_kernel_sizes: Optional[Sequence[int]],
) -> None:
    findings = [
        f"{name}={value!r} is no number from 1"
        for name, value in (("in_channels", in_channels), ("out_channels", out_channels))
        if not isinstance(value, int) or value < 1
    ]
    for name, widths, kernels in (
        ("deconv", deconv_out_channels, deconv_kernel_sizes),
        ("conv", conv_out_channels, conv_kernel_sizes),
    ):
        if widths and len(widths) != len(kernels or ()):
            findings.append(
                f"{name}_out_channels={tuple(widths)} and {name}_kernel_sizes={kernels} have to have the same length"
            )
    unknown = [size for size in deconv_kernel_sizes or () if deconv_out_channels and size not in _DECONV_PADDING]
    if unknown:
        findings.append(f"deconv_kernel_sizes has {unknown}, but 2, 3 and 4 are allowed")
    if findings:
        raise ValueError(f"HeatmapHead: {'; '.join(findings)}.")
