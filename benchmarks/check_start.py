"""How long ``mmpose-mix check`` takes on a large mixture: the first time, and when its annotations are cached.

``python -m benchmarks.check_start``. The config is body8 with a COCO evaluation, the annotation files are drawn
(387 000 persons, 333 MB). Each run is a process of its own, from its start to its end; no image is read.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import machine, markdown_table
from benchmarks.rows import Row
from benchmarks.synthetic_annotations import write_body8

CONFIG = "td-hm_hrnet-w32_8xb64-210e_body8-coco-256x192"
ASKED = "at most 5 s"
ROOT = Path(__file__).resolve().parents[1]


def check_seconds(root: Path, cache: Path, *options: str) -> tuple[float, float]:
    """Wall and CPU seconds of one check that is run in ``root``, reader processes included.

    Raises:
        RuntimeError: if the check did not come to an end, with findings or without.
    """
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "MMPOSE_MIX_CACHE": str(cache), "PYTHONPATH": paths}
    before, start = _cpu_of_children(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "mmpose_mix", "check", CONFIG, *options],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr)
    return seconds, _cpu_of_children() - before


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def rows(quick: bool = False) -> list[Row]:
    """The first check and the next ones; ``quick`` writes no annotations and has none looked for."""
    rounds = 1 if quick else 3
    options = ["--without-data"] if quick else []
    first, again = [], []
    with tempfile.TemporaryDirectory() as folder:
        if not quick:
            write_body8(Path(folder))
        for number in range(rounds):
            cache = Path(folder) / f"cache{number}"
            first.append(check_seconds(Path(folder), cache, *options))
            again.append(check_seconds(Path(folder), cache, *options))
    return [
        _row("check_body8_first", "check body8 (333 MB of annotations), the first time", first),
        _row("check_body8_again", "check body8 again", again),
    ]


def _row(key: str, what: str, runs: list[tuple[float, float]]) -> Row:
    wall, cpu = (statistics.median(seconds) for seconds in zip(*runs))
    return Row(key, what, "s", wall, None, ASKED, f"wall time of a fresh process; {cpu:.1f} s of CPU")


def main() -> None:
    """Prints the machine and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="without annotations: whether it runs")
    found = rows(parser.parse_args().quick)
    print(machine(), end="\n\n")
    table = [[row.what, f"{row.ours:.2f} {row.unit}", row.asked, row.note] for row in found]
    print(markdown_table(["what", "ours", "asked", "note"], table))


if __name__ == "__main__":
    main()
