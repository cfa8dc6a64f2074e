"""Hooks, loops and what else drives a run."""

from __future__ import annotations

from mmpose_mix.engine.checkpoint import load_checkpoint_safely, use_safe_checkpoint_loader

__all__ = ["load_checkpoint_safely", "use_safe_checkpoint_loader"]
