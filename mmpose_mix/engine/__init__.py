"""Hooks, loops and what else drives a run."""

from __future__ import annotations

from mmpose_mix.engine.bfloat16 import Bfloat16OptimWrapper
from mmpose_mix.engine.checkpoint import load_checkpoint_safely, use_safe_checkpoint_loader
from mmpose_mix.engine.collating import one_block_collate
from mmpose_mix.engine.keypoint_weights import KeypointWeightsHook
from mmpose_mix.engine.loops import IterBasedTrainLoop
from mmpose_mix.engine.mixture_epoch import DistSamplerSeedHook, MixtureEpochHook
from mmpose_mix.engine.pipeline_switch import PipelineSwitchHook

__all__ = [
    "Bfloat16OptimWrapper",
    "DistSamplerSeedHook",
    "IterBasedTrainLoop",
    "KeypointWeightsHook",
    "MixtureEpochHook",
    "PipelineSwitchHook",
    "load_checkpoint_safely",
    "one_block_collate",
    "use_safe_checkpoint_loader",
]
