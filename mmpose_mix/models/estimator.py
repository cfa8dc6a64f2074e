"""Top-down pose estimation: one person's box in, that person's keypoints out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any, Optional, Union

import numpy as np
import torch
from mmengine.model import BaseModel
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

from mmpose_mix.metainfo import parse_pose_metainfo
from mmpose_mix.models.heads.flip import CHANNELS_PER_KEYPOINT
from mmpose_mix.registry import MODELS
from mmpose_mix.structures import PoseDataSample

Features = tuple[Tensor, ...]
_OWN_TEST_OPTIONS = frozenset({"flip_test", "output_keypoint_indices"})


@MODELS.register_module()
class TopdownPoseEstimator(BaseModel):
    """Backbone, perhaps a neck, and a head, on images cropped around one person each.

    Args:
        backbone, neck, head: configs of the parts.
        train_cfg, test_cfg: options for the head's ``loss`` and ``predict``. ``test_cfg`` also takes ``flip_test``:
            predict from the mirrored image as well; and ``output_keypoint_indices``: the predicted keypoints that are
            put out, in this order.
        data_preprocessor: config of the preprocessor.
        init_cfg: see MMEngine's ``BaseModule``.
        metainfo: the keypoint set that the head predicts, as for data sets; it replaces what test samples carry, but
            for their ``dataset_name``.

    Raises:
        ValueError: options that the head does not honour or indices out of range; a head whose ``in_channels`` are not
            what the backbone gives, or that has not as many keypoints as ``metainfo``.
    """

    _version = 2

    def __init__(
        self,
        backbone: Mapping[str, Any],
        neck: Optional[Mapping[str, Any]] = None,
        head: Optional[Mapping[str, Any]] = None,
        train_cfg: Optional[Mapping[str, Any]] = None,
        test_cfg: Optional[Mapping[str, Any]] = None,
        data_preprocessor: Optional[Mapping[str, Any]] = None,
        init_cfg: object = None,
        metainfo: Optional[Mapping[str, Any]] = None,
        channels_last: bool = False,
    ) -> None:
        if isinstance(data_preprocessor, Mapping):
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.metainfo = None if metainfo is None else parse_pose_metainfo(metainfo)
        self.train_cfg = dict(train_cfg or {})
        self.test_cfg = dict(test_cfg or {})
        self.backbone = MODELS.build(backbone)
        self.neck = None if neck is None else MODELS.build(neck)
        self.head = None if head is None else MODELS.build(head)
        self._check_config()
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.to(memory_format=self.memory_format)
        self._register_load_state_dict_pre_hook(self._rename_old_keys)

    def init_weights(self) -> None:
        """MMEngine's. Weights are drawn in the order of memory, in the usual one so that a seed means one network."""
        self.to(memory_format=torch.contiguous_format)
        super().init_weights()
        self.to(memory_format=self.memory_format)

    @property
    def num_keypoints(self) -> Optional[int]:
        """Of as many keypoints the head gives heatmaps; None where it does not tell."""
        return getattr(self.head, "num_keypoints", None)

    @property
    def num_output_keypoints(self) -> Optional[int]:
        """So many keypoints a prediction has, after ``output_keypoint_indices``."""
        wanted = self.test_cfg.get("output_keypoint_indices")
        return self.num_keypoints if wanted is None else len(wanted)

    def forward(
        self,
        inputs: Union[Tensor, Sequence[Tensor]],
        data_samples: Optional[Sequence[PoseDataSample]] = None,
        mode: str = "tensor",
    ) -> Union[Tensor, Features, dict[str, Tensor], Sequence[PoseDataSample]]:
        """What ``mode`` asks for.

        Args:
            inputs: images (B, C, H, W), or a sequence of B images (C, H, W).
            data_samples: B samples; ``loss`` and ``predict`` need them.
            mode: "tensor": the head's output, or the features without a head; "loss": a dict of losses; "predict": the
                samples with ``pred_instances`` in pixels of the original images.

        Raises:
            ValueError: another mode, or no head or no samples where they are needed.
        """
        if not isinstance(inputs, Tensor):
            inputs = torch.stack(tuple(inputs))
        if mode == "tensor":
            feats = self.extract_feat(inputs)
            return feats if self.head is None else self.head(feats)
        if mode not in ("loss", "predict"):
            raise ValueError(f"mode={mode!r}, but 'tensor', 'loss' and 'predict' are allowed.")
        if self.head is None or data_samples is None:
            lacking = "a head" if self.head is None else "data_samples"
            raise ValueError(f"TopdownPoseEstimator: mode={mode!r} needs {lacking}.")
        return self.loss(inputs, data_samples) if mode == "loss" else self.predict(inputs, data_samples)

    def extract_feat(self, inputs: Tensor) -> Features:
        """Feature maps of the neck, or of the backbone without one."""
        feats = self.backbone(inputs.contiguous(memory_format=self.memory_format))
        return feats if self.neck is None else self.neck(feats)

    def loss(self, inputs: Tensor, data_samples: Sequence[PoseDataSample]) -> dict[str, Tensor]:
        """Losses of a batch, as the head names them.

        Raises:
            ValueError: targets that were to be encoded on the device were not.
        """
        if "unencoded_targets" in data_samples[0]:
            raise ValueError(
                "TopdownPoseEstimator: GenerateTarget(on_device=True) left the targets to the data preprocessor, but "
                f"{type(self.data_preprocessor).__name__} did not encode them. Set data_preprocessor.type to "
                "'PoseDataPreprocessor', or leave on_device out."
            )
        return self.head.loss(self.extract_feat(inputs), data_samples, train_cfg=self.train_cfg)

    def predict(self, inputs: Tensor, data_samples: Sequence[PoseDataSample]) -> Sequence[PoseDataSample]:
        """The samples with their predictions, see :meth:`add_pred_to_datasample`."""
        for data_sample in data_samples:
            self._describe_keypoints(data_sample)
        feats: Any = self.extract_feat(inputs)
        if self.test_cfg.get("flip_test"):
            feats = [feats, self.extract_feat(inputs.flip(-1))]
        predicted = self.head.predict(feats, data_samples, test_cfg=self.test_cfg)
        instances, fields = predicted if isinstance(predicted, tuple) else (predicted, None)
        return self.add_pred_to_datasample(instances, fields, data_samples)

    def add_pred_to_datasample(
        self,
        batch_instances: Sequence[InstanceData],
        batch_fields: Optional[Sequence[PixelData]],
        data_samples: Sequence[PoseDataSample],
    ) -> Sequence[PoseDataSample]:
        """Bring predictions from input to original pixels and put them, with the boxes, into the samples.

        Args:
            batch_instances: B times ``keypoints`` (1, K, 2) in input pixels and ``keypoint_scores`` (1, K).
            batch_fields: B times maps (K, H, W), or None.
            data_samples: B samples with ``input_center``, ``input_scale`` (2,) and ``input_size`` (w, h) as metainfo.

        Returns:
            ``data_samples``, each with ``pred_instances``: ``keypoints``, ``keypoint_scores``, ``keypoints_visible``
            (the scores, unless the head predicts it), ``bboxes`` and ``bbox_scores``; with ``batch_fields`` also
            ``pred_fields``.
        """
        for instances, fields, data_sample in zip(batch_instances, batch_fields or repeat(None), data_samples):
            _to_original_pixels(instances, data_sample.metainfo)
            if "keypoints_visible" not in instances:
                instances.keypoints_visible = instances.keypoint_scores
            self._select_keypoints(instances, fields, data_sample)
            instances.bboxes = data_sample.gt_instances.bboxes
            instances.bbox_scores = data_sample.gt_instances.bbox_scores
            data_sample.pred_instances = instances
            if fields is not None:
                data_sample.pred_fields = fields
        return data_samples

    def _describe_keypoints(self, data_sample: PoseDataSample) -> None:
        if self.metainfo is not None:
            known = data_sample.metainfo_keys()
            for key, value in self.metainfo.items():
                if key != "dataset_name" or key not in known:
                    data_sample.set_field(value, key, field_type="metainfo")

    def _select_keypoints(
        self, instances: InstanceData, fields: Optional[PixelData], data_sample: PoseDataSample
    ) -> None:
        wanted = self.test_cfg.get("output_keypoint_indices")
        if wanted is None:
            return
        # tells a visualizer which of the model's keypoints these are
        data_sample.set_metainfo({"output_keypoint_indices": tuple(wanted)})
        wanted, num_keypoints = list(wanted), instances.keypoints.shape[1]
        for key, value in instances.all_items():
            if key.startswith("keypoint"):
                instances.set_field(value[:, wanted], key)
        for key, value in fields.all_items() if fields is not None else ():
            if value.shape[0] == num_keypoints:
                fields.set_field(value[wanted], key)

    def _check_config(self) -> None:
        findings = _unknown_options("test_cfg", self.test_cfg, self.head, _OWN_TEST_OPTIONS)
        findings += _unknown_options("train_cfg", self.train_cfg, self.head, frozenset())
        findings += self._check_flip_mode()
        findings += self._check_output_keypoints()
        described = None if self.metainfo is None else self.metainfo["num_keypoints"]
        if self.num_keypoints is not None and described not in (None, self.num_keypoints):
            findings.append(
                f"metainfo has {described} keypoints, but head.out_channels={self.head.out_channels} is for "
                f"{self.num_keypoints}"
            )
        given, wanted = getattr(self.backbone, "out_channels", None), getattr(self.head, "in_channels", None)
        if self.neck is None and isinstance(given, tuple) and isinstance(wanted, int) and given[-1] != wanted:
            findings.append(
                f"head.in_channels={wanted}, but {type(self.backbone).__name__} gives {given[-1]} channels; set "
                f"head.in_channels={given[-1]}"
            )
        if findings:
            raise ValueError(f"TopdownPoseEstimator: {'; '.join(findings)}.")

    def _check_flip_mode(self) -> list[str]:
        if not hasattr(self.head, "test_options"):
            return []
        mode = self.test_cfg.get("flip_mode", "heatmap")
        if mode not in CHANNELS_PER_KEYPOINT:
            return [f"test_cfg.flip_mode={mode!r}, but {_listed(CHANNELS_PER_KEYPOINT)} are allowed"]
        maps = getattr(getattr(self.head, "decoder", None), "maps_per_keypoint", None)
        if not self.test_cfg.get("flip_test") or maps in (None, CHANNELS_PER_KEYPOINT[mode]):
            return []
        return [f"test_cfg.flip_mode={mode!r}, but head.decoder has {maps} heatmaps for each keypoint"]

    def _check_output_keypoints(self) -> list[str]:
        indices, num_keypoints = self.test_cfg.get("output_keypoint_indices"), self.num_keypoints
        if indices is None:
            return []
        if isinstance(indices, (str, Mapping)) or not isinstance(indices, Sequence):
            return [f"test_cfg.output_keypoint_indices={indices!r} is no list of numbers"]
        if num_keypoints is None:
            return []
        allowed = range(num_keypoints)
        wrong = [index for index in indices if not isinstance(index, (int, np.integer)) or index not in allowed]
        if not wrong and len(indices):
            return []
        given = f"test_cfg.output_keypoint_indices has {wrong or 'no index'}"
        return [f"{given}, but head.out_channels={self.head.out_channels} allows 0 to {num_keypoints - 1}"]

    def _rename_old_keys(self, state_dict: dict, prefix: str, local_metadata: dict, *_: object) -> None:
        """Drop the preprocessor's constants; before version 2 the head was ``keypoint_head``."""
        for name in ("mean", "std"):
            state_dict.pop(f"{prefix}data_preprocessor.{name}", None)
        if local_metadata.get("version", 1) >= 2:
            return
        old = f"{prefix}keypoint_head."
        for key in [key for key in state_dict if key.startswith(old)]:
            state_dict[f"{prefix}head.{key[len(old) :]}"] = state_dict.pop(key)


def _to_original_pixels(instances: InstanceData, metainfo: Mapping[str, Any]) -> None:
    """Undo the crop: input pixels scaled to the crop's size and moved to its corner, in place of the old keypoints."""
    center, scale, size = (np.asarray(metainfo[f"input_{name}"], np.float64) for name in ("center", "scale", "size"))
    keypoints = np.array(instances.keypoints)
    keypoints[..., :2] = keypoints[..., :2] / size * scale + center - 0.5 * scale
    instances.keypoints = keypoints


def _unknown_options(name: str, given: Mapping[str, Any], head: object, own: frozenset[str]) -> list[str]:
    honoured = getattr(head, name.replace("_cfg", "_options"), None)
    if honoured is None:
        return []
    unknown = sorted(set(given) - own - honoured)
    if not unknown:
        return []
    return [f"{name} has {_listed(unknown)}, but {type(head).__name__} honours {_listed(sorted(own | honoured))} only"]


def _listed(words: Any) -> str:
    return ", ".join(map(repr, words))
