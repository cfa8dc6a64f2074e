"""Two processes, joined by gloo, evaluate a mixture as one process does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from two_processes import mixture, statistics


def test_two_processes_give_the_statistics_of_one(tmp_path: Path, repository: Path) -> None:
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command = [sys.executable, *launch, repository / "tests" / "evaluation" / "two_processes.py", tmp_path / "found"]
    path = os.pathsep.join([str(repository), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        list(map(str, command)), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found").read_text())
    assert {"coco/AP", "coco/coco/AP", "coco/aic/AP", "a/AP", "b/AP"} <= set(found)
    assert found == pytest.approx(statistics(mixture(), 0, 1), abs=1e-9)
    assert found["a/AP"] == pytest.approx(found["coco/coco/AP"])
    assert found["b/AP"] == pytest.approx(found["coco/aic/AP"])
