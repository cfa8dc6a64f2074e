"""Weights of a head from a checkpoint of other keypoints: the rows of each keypoint, by its name."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from torch import Tensor

from mmpose_mix.keypoints.matching import match_keypoints
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import keypoint_set, named_keypoint_set
from mmpose_mix.registry import HOOKS

# the head of a checkpoint of MMPose 0.x, which the estimator renames
_HEADS = ("head.", "keypoint_head.")
_LAST_LAYERS = ("final_layer.weight", "final_layer.bias")


@dataclass(frozen=True)
class CopiedRows:
    """What became of the rows of a head's keypoints.

    Attributes:
        layers: names of the tensors that were adapted.
        copied: target keypoint to the source keypoint whose rows it took.
        fresh: target keypoints that keep the rows the model was initialised with.
        left_out: source keypoints that no target took.
    """

    layers: tuple[str, ...]
    copied: Mapping[str, str]
    fresh: tuple[str, ...]
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        copied = [name if name == source else f"{name} (from {source})" for name, source in self.copied.items()]
        words = [f"the rows of {len(copied)} keypoints in {', '.join(self.layers)} are copied: {', '.join(copied)}"]
        words.append(f"new, as initialised: {', '.join(self.fresh) or 'none'}")
        words += [f"of the checkpoint unused: {', '.join(self.left_out)}"] if self.left_out else []
        return "; ".join(words)


def adapt_keypoint_rows(
    weights: dict[str, Any], model: Mapping[str, Tensor], source: KeypointSet, target: KeypointSet
) -> Optional[CopiedRows]:
    """Fit the layers of a head that hold a row, or as many rows, for each keypoint to other keypoints, in place.

    A layer counts if its tensors differ from the model's in the first axis alone, which is a multiple of the keypoints
    of the checkpoint there and the same multiple of the model's here; the final layer also where both have as many
    keypoints, of other names or in another order. A target takes the rows of the source keypoint that is the same joint
    by name or by a shipped alias; no other joint, and no mean of joints, stands in.

    Args:
        weights: ``state_dict`` of the checkpoint, of which entries are replaced.
        model: that of the model, with the names of the present MMPose.
        source, target: keypoints of checkpoint and model.

    Returns:
        What was done; None where nothing had to be.
    """
    if source.keypoint_names == target.keypoint_names:
        return None
    rows = _rows_by_name(source, target)
    layers = []
    for name, wanted in model.items():
        key = _key_of(name, weights)
        if key is None or not _holds_keypoints(name, weights[key], wanted, source, target):
            continue
        each = wanted.shape[0] // target.num_keypoints
        adapted = wanted.detach().clone().unflatten(0, (target.num_keypoints, each))
        given = weights[key].to(adapted.device, adapted.dtype).unflatten(0, (source.num_keypoints, each))
        for place, row in rows.items():
            adapted[place] = given[row]
        weights[key] = adapted.flatten(0, 1)
        layers.append(key)
    if not layers:
        return None
    names, sources = target.keypoint_names, source.keypoint_names
    return CopiedRows(
        tuple(layers),
        {names[place]: sources[row] for place, row in rows.items()},
        tuple(name for place, name in enumerate(names) if place not in rows),
        tuple(name for row, name in enumerate(sources) if row not in rows.values()),
    )


@HOOKS.register_module()
class KeypointWeightsHook(Hook):
    """Before ``load_from`` is taken: fit the checkpoint's head to this model's keypoints, by name.

    MMEngine warns of a layer of another size and leaves it out, so that a head of 19 keypoints would learn the 17 that
    the checkpoint knows anew; and of a layer of the same size with other keypoints it takes the wrong rows. Which
    keypoints the checkpoint has is written in it (``meta['dataset_meta']``) since MMPose 1.0; what has none needs
    ``source``. A run that is resumed is left alone. ``mmpose-mix train`` adds this hook whenever it is given
    ``load_from``.

    Args:
        source: keypoint set of the checkpoint: ``'coco'``, a metainfo file or a metainfo dict. None: what is written in
            it.
        enable: False leaves it to MMEngine.

    Raises:
        FileNotFoundError, ValueError: if ``source`` is no keypoint set.
    """

    # before EMAHook, which copies the weights that it sees
    priority = "VERY_HIGH"

    def __init__(self, source: Any = None, enable: bool = True) -> None:
        self.source = None if source is None else named_keypoint_set(source)
        self.enable = enable

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Adapt the weights of a checkpoint that was read, and say in the log what was done."""
        if not self.enable or getattr(runner, "_resume", False):
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        weights, state = _state_dict(checkpoint), model.state_dict()
        target = _target_of(runner, model)
        source = self.source or _source_of(checkpoint)
        if target is None or source is None:
            _say_what_is_unknown(weights, state, target)
            return
        done = adapt_keypoint_rows(weights, state, source, target)
        if done is not None:
            _say(f"KeypointWeightsHook: from {source.name} to {target.name}, {done}.", logging.INFO)


def _state_dict(checkpoint: dict[str, Any]) -> dict[str, Any]:
    return checkpoint.get("state_dict", checkpoint)


def _rows_by_name(source: KeypointSet, target: KeypointSet) -> dict[int, int]:
    """Target id to the source id of the same joint."""
    matching = match_keypoints(source, target)
    single = {int(pair[1]): pair[0] for pair in matching.mapping.pairs}
    return {place: int(row) for place, row in sorted(single.items()) if not isinstance(row, (list, tuple))}


def _key_of(name: str, weights: Mapping[str, Any]) -> Optional[str]:
    """The name in a checkpoint, of MMPose 0.x or wrapped too, of a tensor of the model's head."""
    if not name.startswith(_HEADS[0]):
        return None
    inner = name[len(_HEADS[0]) :]
    keys = [f"{wrapper}{head}{inner}" for wrapper in ("", "module.") for head in _HEADS]
    return next((key for key in keys if isinstance(weights.get(key), Tensor)), None)


def _holds_keypoints(name: str, given: Tensor, wanted: Tensor, source: KeypointSet, target: KeypointSet) -> bool:
    if given.ndim != wanted.ndim or not wanted.ndim or given.shape[1:] != wanted.shape[1:]:
        return False
    each, left = divmod(wanted.shape[0], target.num_keypoints)
    if left or not each or given.shape[0] != each * source.num_keypoints:
        return False
    return given.shape != wanted.shape or name.endswith(_LAST_LAYERS)


def _target_of(runner: Runner, model: Any) -> Optional[KeypointSet]:
    """The keypoints of the model, or of its training data."""
    metainfo = getattr(model, "metainfo", None)
    if metainfo is None:
        loops = (runner._train_loop, runner._test_loop, runner._val_loop)
        built = next((loop for loop in loops if isinstance(loop, BaseLoop)), None)
        metainfo = None if built is None else getattr(built.dataloader.dataset, "metainfo", None)
    return keypoint_set(metainfo) if metainfo and "keypoint_id2name" in metainfo else None


def _source_of(checkpoint: Mapping[str, Any]) -> Optional[KeypointSet]:
    """The keypoints that a checkpoint says it has; its metainfo is read for names and sides alone."""
    metainfo = (checkpoint.get("meta") or {}).get("dataset_meta") or {}
    if "keypoint_id2name" not in metainfo:
        return None
    names = [str(name) for _, name in sorted(metainfo["keypoint_id2name"].items())]
    flips = list(metainfo.get("flip_indices") or ())
    mutual = len(flips) == len(names) and [flips[i] for i in flips] == list(range(len(names)))
    keypoints = {
        i: {"name": name, "id": i, "color": [0, 0, 0], "type": "", "swap": names[flips[i]] if mutual else ""}
        for i, name in enumerate(names)
    }
    info = {
        "dataset_name": str(metainfo.get("dataset_name", "the checkpoint")),
        "keypoint_info": keypoints,
        "skeleton_info": {},
        "joint_weights": [1.0] * len(names),
        "sigmas": [],
    }
    return KeypointSet.from_dataset_info(info, "dataset_meta of the checkpoint")


def _say_what_is_unknown(
    weights: Mapping[str, Any], state: Mapping[str, Tensor], target: Optional[KeypointSet]
) -> None:
    """Warns where a head's last layer does not fit and nothing is known to fit it by."""
    misfits = []
    for name in (name for name in state if name.startswith(_HEADS[0]) and name.endswith(_LAST_LAYERS)):
        key = _key_of(name, weights)
        if key is not None and weights[key].shape != state[name].shape:
            misfits.append(f"{key} has {weights[key].shape[0]} rows, the model {state[name].shape[0]}")
    if misfits:
        remedy = "Give its metainfo to the model or the data set." if target is None else "Say which by"
        remedy += (
            "" if target is None else " custom_hooks=[dict(type='mmpose_mix.KeypointWeightsHook', source='coco')]."
        )
        whose = "model" if target is None else "checkpoint"
        _say(
            f"KeypointWeightsHook: {'; '.join(misfits)}, and the keypoints of the {whose} are unknown, so they cannot "
            f"be copied by name. {remedy}",
            logging.WARNING,
        )


def _say(words: str, level: int) -> None:
    print_log(words, logger="current", level=level)
