"""What a real training loads and trains, written to files while it runs; configs import these parts."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from mmengine.dist import get_rank
from mmengine.hooks import Hook

from mmpose_mix.registry import HOOKS, TRANSFORMS

FOLDER = "RECORDING_FOLDER"
#: Number of a step; unset for a training that is not to be killed.
RESTS_AFTER = "RECORDING_RESTS_AFTER"


def _append(name: str, line: object) -> None:
    with Path(os.environ[FOLDER], name).open("a") as file:
        file.write(json.dumps(line) + "\n")


@HOOKS.register_module()
class RecordTrained(Hook):
    """Writes the samples of every step to a file of its rank, and rests after some step until it is killed."""

    priority = "LOWEST"

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """After the checkpoint hook."""
        samples = [(sample.metainfo["dataset_name"], sample.metainfo["id"]) for sample in data_batch["data_samples"]]
        _append(f"trained_{get_rank()}.jsonl", [runner.iter, samples])
        if str(runner.iter + 1) == os.environ.get(RESTS_AFTER):
            _append(f"resting_{get_rank()}.jsonl", os.getpid())
            time.sleep(300)


@TRANSFORMS.register_module()
class RecordLoaded:
    """Writes each sample that is about to be loaded to a file of its process."""

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """The sample as it came."""
        _append(f"loaded_{os.getpid()}.jsonl", (results["dataset_name"], results["id"]))
        return results


def _lines(folder: Path, pattern: str) -> list[Any]:
    """What stands in the finished lines of some files."""
    texts = [path.read_text() for path in sorted(folder.glob(pattern))]
    return [json.loads(line) for text in texts for line in text.splitlines(keepends=True) if line.endswith("\n")]


def trained(folder: Path) -> dict[int, list[tuple[str, int]]]:
    """The samples of each step, one rank after another."""
    steps: dict[int, list[tuple[str, int]]] = {}
    for step, samples in _lines(folder, "trained_*.jsonl"):
        steps.setdefault(step, []).extend(map(tuple, samples))
    return steps


def loaded(folder: Path) -> list[tuple[str, int]]:
    """All samples that were loaded, in no order."""
    return list(map(tuple, _lines(folder, "loaded_*.jsonl")))


def resting(folder: Path) -> list[int]:
    """Process ids of the ranks that rest."""
    return _lines(folder, "resting_*.jsonl")
