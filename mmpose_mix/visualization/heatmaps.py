"""Heatmaps laid over an image."""

from __future__ import annotations

from typing import Any, Optional

import cv2
import numpy as np
import torch

_STRONGEST = 0.65


def heatmap_overlay(
    image: np.ndarray,
    heatmaps: Any,
    input_center: Optional[np.ndarray] = None,
    input_scale: Optional[np.ndarray] = None,
) -> np.ndarray:
    """The image with the strongest of the heatmaps over it, from clear (0) to red (the highest value).

    Args:
        image: (h, w, 3) uint8 RGB.
        heatmaps: (K, H, W) or (H, W), array or tensor.
        input_center: (2,), pixels of the image: centre of the part of it that the heatmaps cover. They cover all of it
            where this is not given.
        input_scale: (2,), width and height of that part, pixels.

    Returns:
        A new image of the same shape.
    """
    maps = heatmaps.detach().cpu().numpy() if isinstance(heatmaps, torch.Tensor) else np.asarray(heatmaps)
    strongest = np.maximum(maps.max(axis=0) if maps.ndim == 3 else maps, 0).astype(np.float32)
    height, width = image.shape[:2]
    if input_center is None or input_scale is None:
        spread = cv2.resize(strongest, (width, height), interpolation=cv2.INTER_LINEAR)
    else:
        size = np.asarray(input_scale, dtype=np.float64).reshape(2)
        left_top = np.asarray(input_center, dtype=np.float64).reshape(2) - size / 2
        step = size / [strongest.shape[1], strongest.shape[0]]
        placing = np.array([[step[0], 0, left_top[0]], [0, step[1], left_top[1]]])
        spread = cv2.warpAffine(strongest, placing, (width, height), flags=cv2.INTER_LINEAR)
    heat = spread / max(float(spread.max()), 1e-6)
    colors = cv2.applyColorMap(np.rint(heat * 255).astype(np.uint8), cv2.COLORMAP_JET)[..., ::-1]
    opacity = (_STRONGEST * np.sqrt(heat))[..., None]
    return np.rint(opacity * colors + (1 - opacity) * image).astype(np.uint8)
