"""Draws a small mixed data set of people, for the demo and the tests. Needs numpy and OpenCV only."""

from mmpose_mix.toy.body import AIC_KEYPOINTS, ALL_KEYPOINTS, COCO_KEYPOINTS
from mmpose_mix.toy.mixture import DrawnMixture, draw_mixture, draw_tiny_mixture
from mmpose_mix.toy.scene import Person, Scene, draw_scene

__all__ = [
    "AIC_KEYPOINTS",
    "ALL_KEYPOINTS",
    "COCO_KEYPOINTS",
    "DrawnMixture",
    "Person",
    "Scene",
    "draw_mixture",
    "draw_scene",
    "draw_tiny_mixture",
]
