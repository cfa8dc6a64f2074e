"""Steps of a data pipeline."""

from __future__ import annotations

from mmpose_mix.transforms.affine import TopdownAffine
from mmpose_mix.transforms.albumentation import Albumentation
from mmpose_mix.transforms.bottomup import BottomupRandomAffine, BottomupResize
from mmpose_mix.transforms.boxes import GetBBoxCenterScale, RandomBBoxTransform
from mmpose_mix.transforms.colour import PhotometricDistortion, YOLOXHSVRandomAug
from mmpose_mix.transforms.composing import FusingCompose
from mmpose_mix.transforms.converting import KeypointConverter
from mmpose_mix.transforms.flipping import RandomFlip
from mmpose_mix.transforms.half_body import RandomHalfBody
from mmpose_mix.transforms.hands import SingleHandConverter
from mmpose_mix.transforms.loading import LoadImage
from mmpose_mix.transforms.mixing_images import Mosaic, YOLOXMixUp
from mmpose_mix.transforms.packing import PackPoseInputs
from mmpose_mix.transforms.persons import FilterAnnotations
from mmpose_mix.transforms.targets import GenerateTarget

__all__ = [
    "Albumentation",
    "BottomupRandomAffine",
    "BottomupResize",
    "FilterAnnotations",
    "FusingCompose",
    "GenerateTarget",
    "GetBBoxCenterScale",
    "KeypointConverter",
    "LoadImage",
    "Mosaic",
    "PackPoseInputs",
    "PhotometricDistortion",
    "RandomBBoxTransform",
    "RandomFlip",
    "RandomHalfBody",
    "SingleHandConverter",
    "TopdownAffine",
    "YOLOXHSVRandomAug",
    "YOLOXMixUp",
]
