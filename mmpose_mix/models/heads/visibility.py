"""Visibility beside poses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import torch
import torch.nn as nn
from mmengine.model import BaseModule
from mmengine.structures import BaseDataElement, InstanceData, PixelData
from torch import Tensor

from mmpose_mix.models.heads.flip import flip_indices_of_batch
from mmpose_mix.registry import MODELS

Features = Sequence[Tensor]
_INIT_CFG = ({"type": "Normal", "layer": ["Linear"], "std": 0.01, "bias": 0},)


@MODELS.register_module()
class VisPredictHead(BaseModule):
    """Another head for the pose, and one linear layer on the pooled last feature map for the keypoints' visibility.

    A keypoint is visible where the pose is taught it: annotated as visible and within the crop. What a source does
    not label is taught to neither head, by the label weight that every sample carries.

    Args:
        pose_cfg: config of the head for the pose, with ``in_channels`` and ``out_channels``.
        loss: config of the loss, called with predicted and target visibility and the label weights; ``use_sigmoid``
            says whether the layer ends in a sigmoid.
        init_cfg: see MMEngine's ``BaseModule``; None draws weights of the layer from Normal(0, 0.01).
    """

    def __init__(
        self,
        pose_cfg: Mapping[str, Any],
        loss: Mapping[str, Any] = {"type": "BCELoss", "use_target_weight": True, "use_sigmoid": True},
        init_cfg: object = None,
    ) -> None:
        super().__init__(list(_INIT_CFG) if init_cfg is None else init_cfg)
        self.loss_module = MODELS.build(loss)
        self.pose_head = MODELS.build(pose_cfg)
        self.in_channels = self.pose_head.in_channels
        self.out_channels = self.pose_head.out_channels
        self.use_sigmoid = bool(loss.get("use_sigmoid", False))
        layers = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(self.in_channels, self.num_keypoints)]
        self.vis_head = nn.Sequential(*layers, *([nn.Sigmoid()] if self.use_sigmoid else []))

    @property
    def num_keypoints(self) -> int:
        """The pose head's."""
        return self.pose_head.num_keypoints

    @property
    def decoder(self) -> Any:
        """The pose head's."""
        return self.pose_head.decoder

    @property
    def test_options(self) -> frozenset[str]:
        """The pose head's."""
        return self.pose_head.test_options

    @property
    def train_options(self) -> frozenset[str]:
        """The pose head's."""
        return self.pose_head.train_options

    def forward(self, feats: Features) -> tuple[Any, Tensor]:
        """What the pose head gives, and visibility (B, K): in 0..1 with ``use_sigmoid``, else logits."""
        return self.pose_head(feats), self.vis_head(feats[-1])

    def loss(
        self, feats: Features, data_samples: Sequence[BaseDataElement], train_cfg: Optional[Mapping[str, Any]] = None
    ) -> dict[str, Tensor]:
        """The pose head's losses and ``loss_vis``, with ``acc_vis``, the share of right guesses of what is labelled.

        Args:
            feats: as in :meth:`forward`.
            data_samples: what the pose head wants, and ``gt_instance_labels.keypoints_visible_weights`` (1, K), the
                label weights, in all of the B samples.
            train_cfg: the pose head's options; ``compute_acc=False`` leaves ``acc_vis`` out, too.
        """
        predicted = self.vis_head(feats[-1])
        labels = [sample.gt_instance_labels for sample in data_samples]
        visible = (torch.cat([one.keypoint_weights for one in labels]) > 0).float()
        weights = torch.cat([one.keypoints_visible_weights for one in labels]).float()
        losses = {"loss_vis": self.loss_module(predicted, visible, weights)}
        if (train_cfg or {}).get("compute_acc", True):
            losses["acc_vis"] = self._accuracy(predicted.detach(), visible, weights)
        return {**losses, **self.pose_head.loss(feats, data_samples, train_cfg)}

    def predict(
        self,
        feats: Union[Features, Sequence[Features]],
        data_samples: Sequence[BaseDataElement],
        test_cfg: Optional[Mapping[str, Any]] = None,
    ) -> Union[list[InstanceData], tuple[list[InstanceData], list[PixelData]]]:
        """What the pose head predicts, with ``keypoints_visible`` (1, K) float32 in 0..1 in each of the B instances.

        Args:
            feats, data_samples, test_cfg: the pose head's.
        """
        predicted = self.pose_head.predict(feats, data_samples, test_cfg)
        if (test_cfg or {}).get("flip_test"):
            partners = flip_indices_of_batch(data_samples, self.num_keypoints)
            straight, mirrored = (self.vis_head(each[-1]) for each in feats)
            visible = (straight + mirrored[:, partners]) * 0.5
        else:
            visible = self.vis_head(feats[-1])
        visible = self._probabilities(visible.detach().float()).cpu().numpy()
        for one, of_one in zip(predicted[0] if isinstance(predicted, tuple) else predicted, visible):
            one.keypoints_visible = of_one[None]
        return predicted

    def _probabilities(self, predicted: Tensor) -> Tensor:
        return predicted if self.use_sigmoid else predicted.sigmoid()

    def _accuracy(self, predicted: Tensor, visible: Tensor, weights: Tensor) -> Tensor:
        """The share of right guesses in each sample, weighted; the mean over samples that have a label."""
        right = ((self._probabilities(predicted) >= 0.5) == (visible > 0)).float() * weights
        totals = weights.sum(dim=1)
        shares = right.sum(dim=1) / totals.clamp(min=1e-6)
        return shares.sum() / (totals > 0).sum().clamp(min=1)
