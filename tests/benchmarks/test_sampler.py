"""What a sampler costs: what is left out, and what is printed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks import sampler
from benchmarks.peers import mmpose_is_here

OURS = ["mmpose_mix MultiSourceSampler", "mmpose_mix DefaultSampler"]


@pytest.mark.parametrize(
    ("first_batch", "memory", "reason"),
    [
        (7.0, 2e6, "skipped: about 70 s"),
        (0.1, 1.2e9, "skipped: about 12 GB"),
        (0.1, 2e8, ""),
        (0.002, 1e5, ""),
    ],
)
def test_what_would_take_too_much_is_left_out_with_the_reason(first_batch, memory, reason):
    smaller = sampler.Cost(first_batch, memory, 0.0)
    assert sampler.beyond_limits(smaller, 10) == reason


def test_the_peak_of_memory_is_what_was_held_at_most():
    """To less than 1 MB, as the kernel counts by the processor."""

    def held() -> int:
        del [bytearray(b"1") * 200_000_000][:]
        before = sampler.reset_peak()
        block = bytearray(b"1") * 50_000_000
        del block
        return sampler.status_bytes("VmHWM") - before

    assert 49e6 < sampler.in_own_process(held) < 60e6


def test_what_takes_too_long_is_stopped():
    assert sampler.in_own_process(sampler.time.sleep, 60, seconds=0.1) is None


def test_a_case_is_left_out_where_the_smaller_one_was():
    assert sampler.measured(sampler.our_sampler, 10**30, 1, "skipped: about 9 GB", 10) == "skipped: about 9 GB"


def test_the_tables_and_the_picture_are_made(repository, tmp_path):
    """With the peers that are installed; none is needed."""
    picture = tmp_path / "cost.png"
    command = [
        sys.executable,
        "-m",
        "benchmarks.sampler",
        "--samples",
        "2000",
        "20000",
        "--ranks",
        "1",
        "4",
        "--step",
        "70",
    ]
    printed = subprocess.run(
        [*command, "--plot", str(picture)], cwd=repository, check=True, capture_output=True, text=True
    ).stdout
    names = ["MMPose MultiSourceSampler"] * mmpose_is_here() + ["MMEngine DefaultSampler", *OURS]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if line[:1] == "|"]
    headers = [row for row in rows if row[:2] == ["samples", "ranks"]]
    assert headers == [["samples", "ranks", *names]] * 3
    cases = [row[:2] for row in rows if row[0] in ("2,000", "20,000")]
    assert cases == [["2,000", "1"], ["2,000", "4"], ["20,000", "1"], ["20,000", "4"]] * 3
    ways = {row[0]: row[2] for row in rows if len(row) == 3}
    assert all(ways[name].startswith("from a state of") for name in OURS)
    assert ways["MMEngine DefaultSampler"].startswith("no state")
    shares = {row[0]: row[1:] for row in rows if row[-1].endswith("%")}
    assert list(shares) == ["asked for", *(name for name in names if "MultiSource" in name)]
    assert picture.read_bytes()[:4] == b"\x89PNG"
