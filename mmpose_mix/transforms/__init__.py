"""Transforms of a sample, from a source's keypoints to the packed input of a model."""

from mmpose_mix.transforms.converting import KeypointConverter

__all__ = ["KeypointConverter"]
