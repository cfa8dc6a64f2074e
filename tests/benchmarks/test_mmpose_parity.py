"""The batches of MMPose's mixing and of ours, where MMPose is there to compare."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.in_mmpose_runs import output_of, python_with_mmpose


def test_the_merge_of_coco_and_aic_gives_mmposes_batches(pose_samples: Path) -> None:
    python = python_with_mmpose()
    if python is None:
        pytest.skip("MMPose is not installed here; name an interpreter that has it by MMPOSE_MIX_PEER_PYTHON")
    code = f"import sys; from benchmarks import mmpose_parity as p\nsys.argv[1:] = [{str(pose_samples)!r}]\n"
    said = output_of(code + "status = p.main()\nassert status == 0\n", python=python)
    for field in ("gt_fields.heatmaps", "gt_instances.bboxes", "meta.id", "meta.dataset_name", "meta.flip_indices"):
        assert f"| `{field}` | 42 of 42 |  |" in said
