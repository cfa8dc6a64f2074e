"""Interpreters with and without MMPose, and what a run in one of them prints."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Optional

REPOSITORY = Path(__file__).resolve().parents[1]

# What MMPose imports from packages that its data and models do not need here, for environments without them.
STUBS = {
    "mmdet/__init__.py": "",
    "mmdet/utils.py": "ConfigType = dict\n\n\ndef reduce_mean(tensor):\n    return tensor\n",
    "torchvision/__init__.py": '__version__ = "0"\n',
    "torchvision/transforms.py": "class ToPILImage:\n    pass\n",
    "ops_stub.py": "import torch\n\n\nclass DeformConv2d(torch.nn.Module):\n    pass\n\n\n"
    "class MultiScaleDeformableAttention(torch.nn.Module):\n    pass\n",
}
USE_STUBS = """
import importlib.util, sys
sys.path.append({folder!r})  # last, so that a package that is there wins
if importlib.util.find_spec('mmcv._ext') is None:
    import ops_stub
    sys.modules['mmcv.ops'] = ops_stub
import mmpose.models
"""


def python_with_mmpose() -> Optional[str]:
    """The interpreter that has MMPose: the one named by ``MMPOSE_MIX_PEER_PYTHON``, else this one, else None."""
    for python in (os.environ.get("MMPOSE_MIX_PEER_PYTHON"), sys.executable):
        if python:
            asked = [python, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('mmpose') is None)"]
            if subprocess.run(asked, check=False, timeout=120).returncode == 0:
                return python
    return None


def import_mmpose_models(folder: Path) -> str:
    """Code that imports ``mmpose.models``, with stand-ins in ``folder`` for what its environment lacks."""
    for name, text in STUBS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return USE_STUBS.format(folder=str(folder))


def output_of(code: str, *paths: Path, python: str = sys.executable, cwd: Optional[Path] = None) -> str:
    """What code prints in an interpreter of its own that finds this checkout and more paths; fails with its errors."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in (REPOSITORY, *paths))}
    done = subprocess.run(
        [python, "-c", textwrap.dedent(code)],
        env=environment, cwd=cwd, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    return done.stdout + done.stderr
