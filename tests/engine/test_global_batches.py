"""Real processes, joined by gloo, share the same global batches whatever their number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.engine.global_batches import STEP


def test_one_to_four_processes_share_the_same_global_batches(tmp_path: Path, repository: Path) -> None:
    """Also those that go on from the state of one process less; with 0, 1 and 2 workers; augmentations included."""
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=4"]
    command = [sys.executable, *launch, repository / "tests" / "engine" / "global_batches.py", tmp_path / "found"]
    environment = {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        list(map(str, command)), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found").read_text())
    assert list(found) == ["1", "2", "3", "4"]
    whole = found["1"]["whole"]
    assert len(whole) > STEP
    assert all(len(batch) == 12 for batch in whole)
    for world in found:
        assert found[world] == {"whole": whole, "rest": whole[STEP:]}
