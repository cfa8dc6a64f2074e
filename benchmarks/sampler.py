"""What a sampler costs beside MMPose 1.3.2's and MMEngine's, in the same run: first batch, memory, speed, resuming.

``python -m benchmarks.sampler [--samples N ...] [--ranks N ...] [--plot FILE.png]`` in an environment that has both
packages; where MMPose is absent, the others are measured alone. The README's tables and picture are what this makes.

A mixture of four sources of which only the lengths exist, 32 samples a rank and step, a ratio of square roots (its
quotas never repeat). Every figure comes from a process of its own, forked when everything is imported and nothing has
run; in it, each sampler has first drawn one batch of a tiny mixture. Memory is what the process's largest resident set
grew by. Medians of five such processes; of three where the first batch takes more than a tenth of a second, of one
where it takes more than a second.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Optional, Union

from benchmarks.measure import machine, markdown_table
from benchmarks.peers import Lengths, delivered_by, mmengine_sampler, mmpose_is_here, mmpose_sampler, rank_0_of
from benchmarks.rows import Row
from mmpose_mix.datasets import DefaultSampler, MultiSourceSampler

BATCH_SIZE = 32
RATIO = [math.sqrt(number) for number in (7, 5, 3, 2)]
MOST_SECONDS, MOST_BYTES = 60.0, 8e9
MOST_TIMED = 10_000_000
"""Epochs of at most so many samples are drawn for up to a second more to tell the speed."""

Build = Callable[[list[int], int], Any]


def lengths(samples: int) -> list[int]:
    """Four sources with 40, 30, 20 and 10 % of the samples."""
    parts = [samples * tenths // 10 for tenths in (4, 3, 2)]
    return [*parts, samples - sum(parts)]


def our_sampler(lens: list[int], world_size: int) -> MultiSourceSampler:
    """Our ``MultiSourceSampler`` as rank 0 builds it."""
    return MultiSourceSampler(Lengths(lens), BATCH_SIZE, RATIO, seed=0, rank=0, world_size=world_size)


def our_default_sampler(lens: list[int], world_size: int) -> DefaultSampler:
    """Our ``DefaultSampler`` as rank 0 builds it."""
    with rank_0_of(world_size, "mmengine.dataset.sampler"):
        return DefaultSampler(Lengths(lens), seed=0)


def samplers() -> dict[str, Build]:
    """The samplers that are here, in the order of the columns."""
    found: dict[str, Build] = {}
    if mmpose_is_here():
        found["MMPose MultiSourceSampler"] = lambda lens, world: mmpose_sampler(lens, BATCH_SIZE, RATIO, world)
    found["MMEngine DefaultSampler"] = mmengine_sampler
    found["mmpose_mix MultiSourceSampler"] = our_sampler
    found["mmpose_mix DefaultSampler"] = our_default_sampler
    return found


@dataclass(frozen=True)
class Cost:
    """What a sampler cost: seconds to the first batch, bytes at most, indices a second (0: not timed)."""

    first_batch: float
    memory: float
    speed: float


Outcome = Union[Cost, str]
"""What was measured, or why not."""


@dataclass(frozen=True)
class Costs:
    """The outcome of every sampler, number of samples and number of ranks."""

    names: list[str]
    sizes: list[int]
    worlds: list[int]
    outcomes: dict[tuple[str, int, int], Outcome]


def cost_of(build: Build, samples: int, world_size: int) -> Cost:
    """Draw from one sampler in this process and say what it cost."""
    list(islice(build(lengths(1000), 1), BATCH_SIZE))
    gc.collect()  # A first collection writes into every page that is still shared with the process before the fork.
    resident = reset_peak()
    start = time.perf_counter()
    sampler = build(lengths(samples), world_size)
    indices = iter(sampler)
    drawn = drawn_in_batches(indices, BATCH_SIZE)
    first_batch = time.perf_counter() - start
    timed = samples <= MOST_TIMED
    drawn += drawn_in_batches(indices, seconds=1.0 if timed else 0.2)
    speed = drawn / (time.perf_counter() - start) if timed else 0.0
    return Cost(first_batch, max(0, status_bytes("VmHWM") - resident), speed)


def drawn_in_batches(indices: Iterator[int], most: Optional[int] = None, seconds: float = math.inf) -> int:
    """Draw indices batch by batch, as torch's loader does, and say how many there were."""
    indices = indices if most is None else islice(indices, most)
    drawn = 0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end and (batch := list(islice(indices, BATCH_SIZE))):
        drawn += len(batch)
    return drawn


def reset_peak() -> int:
    """Make the kernel forget this process's largest resident set, and return the present one in bytes."""
    Path("/proc/self/clear_refs").write_text("5")
    return status_bytes("VmRSS")


def status_bytes(field: str) -> int:
    """A field of the kernel's account of this process, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def in_own_process(action: Callable[..., Any], *arguments: Any, seconds: float = MOST_SECONDS) -> Any:
    """Call in a forked process and return the result; ``None`` where it took too long or was killed."""
    receiver, sender = multiprocessing.Pipe(duplex=False)

    def call(sender: Connection) -> None:
        sender.send(action(*arguments))

    process = multiprocessing.get_context("fork").Process(target=call, args=(sender,))
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(seconds) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()
        receiver.close()


def measured(build: Build, samples: int, world_size: int, smaller: Optional[Outcome], growth: float) -> Outcome:
    """The median cost of a case, or why it was left out.

    Args:
        build, samples, world_size: the case.
        smaller: what the case with fewer samples gave.
        growth: how many times more samples this one has.
    """
    if isinstance(smaller, str):
        return smaller
    if smaller is not None and (reason := beyond_limits(smaller, growth)):
        return reason
    costs = []
    rounds = 5
    while len(costs) < rounds:
        cost = in_own_process(cost_of, build, samples, world_size)
        if cost is None:
            return f"stopped: more than {MOST_SECONDS:.0f} s, or killed"
        costs.append(cost)
        rounds = min(rounds, 5 if cost.first_batch < 0.1 else 3 if cost.first_batch < 1 else 1)
    return Cost(*(statistics.median(values) for values in zip(*map(astuple, costs))))


def beyond_limits(smaller: Cost, growth: float) -> str:
    """Say why a case is not tried, from the smaller one; '' if it is."""
    seconds, memory = smaller.first_batch * growth, smaller.memory * growth
    # What cannot be told from noise does not grow.
    if smaller.first_batch > 0.01 and seconds > MOST_SECONDS:
        return f"skipped: about {seconds:.0f} s"
    if smaller.memory > 10e6 and memory > min(MOST_BYTES, available_bytes()):
        return f"skipped: about {memory / 1e9:.0f} GB"
    return ""


def available_bytes() -> int:
    """Memory that the machine could give."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def all_costs(sizes: list[int], worlds: list[int]) -> Costs:
    """Measure every sampler for every number of samples and ranks."""
    outcomes: dict[tuple[str, int, int], Outcome] = {}
    for name, build in samplers().items():
        for world in worlds:
            smaller: Optional[Outcome] = None
            for i, samples in enumerate(sizes):
                growth = samples / sizes[i - 1] if i else 1.0
                smaller = measured(build, samples, world, smaller, growth)
                outcomes[name, samples, world] = smaller
    return Costs(list(samplers()), sizes, worlds, outcomes)


def saved_state(name: str, samples: int, step: int) -> str:
    """What a sampler of ours puts into the checkpoint of a step, as JSON; '' for the others, which have no state."""
    if not name.startswith("mmpose_mix"):
        return ""
    return json.dumps(samplers()[name](lengths(samples), 1).state_dict(step, BATCH_SIZE))


def resume_seconds(name: str, samples: int, step: int, saved: str) -> float:
    """Seconds until a sampler of one rank, built anew, has given the batch of a step."""
    start = time.perf_counter()
    sampler = samplers()[name](lengths(samples), 1)
    epoch, left = 0, (step + 1) * BATCH_SIZE
    if saved:
        state = json.loads(saved)
        sampler.load_state_dict(state)
        epoch, left = state["epoch"], BATCH_SIZE
    elif name.startswith("MMEngine"):
        # Its epochs are functions of their number: only the last one need be drawn.
        epoch, left = divmod(left, len(sampler))
    while left > 0:
        sampler.set_epoch(epoch)
        left -= drawn_in_batches(iter(sampler), left)
        epoch += 1
    return time.perf_counter() - start


def print_resuming(samples: int, step: int) -> None:
    """Print how long it takes to stand at a step again."""
    rows = []
    for name in samplers():
        saved = in_own_process(saved_state, name, samples, step)
        if saved is None:
            rows.append([name, f"stopped: its state took more than {MOST_SECONDS:.0f} s", ""])
            continue
        results = [in_own_process(resume_seconds, name, samples, step, saved)]
        if results[0] is not None and results[0] < 1:
            results += [in_own_process(resume_seconds, name, samples, step, saved) for _ in range(4)]
        taken = f"more than {MOST_SECONDS:.0f} s" if None in results else in_seconds(statistics.median(results))
        how = f"from a state of {len(saved)} bytes" if saved else "no state: the indices before are drawn and dropped"
        rows.append([name, taken, how])
    print(
        f"\nFrom nothing to the batch of step {step:,} ({samples:,} samples, 1 rank; indices alone, nothing loaded)\n"
    )
    print(markdown_table(["", "time", "how"], rows))


def print_costs(costs: Costs) -> None:
    """Print a table for the first batch, one for memory and one for speed."""
    for title, cell, largest in (
        ("Time to the first batch of an epoch", lambda cost: in_seconds(cost.first_batch), max(costs.sizes)),
        ("Memory of a rank's sampler, at most", lambda cost: in_bytes(cost.memory), max(costs.sizes)),
        ("Indices a second that a rank gets, over an epoch", lambda cost: f"{cost.speed / 1e6:.2g} M", MOST_TIMED),
    ):
        rows = []
        for samples in (samples for samples in costs.sizes if samples <= largest):
            for world in costs.worlds:
                row = (costs.outcomes[name, samples, world] for name in costs.names)
                cells = [outcome if isinstance(outcome, str) else cell(outcome) for outcome in row]
                rows.append([f"{samples:,}", str(world), *cells])
        print(f"\n{title}\n\n{markdown_table(['samples', 'ranks', *costs.names], rows)}")


def print_shares(samples: int) -> None:
    """Print what the samplers of mixtures deliver of each source in an epoch, so that it is seen what they do."""
    lens = lengths(samples)
    shares = {"asked for": [part / sum(RATIO) for part in RATIO]}
    for name, build in samplers().items():
        if name.endswith("MultiSourceSampler"):
            delivered = delivered_by(build(lens, 1), lens)
            shares[name] = (delivered / delivered.sum()).tolist()
    rows = [[name, *(f"{share:.2%}" for share in parts)] for name, parts in shares.items()]
    print(f"\nShares of the sources in an epoch of {samples:,} samples\n")
    print(markdown_table(["", *(f"source {i}" for i in range(len(RATIO)))], rows))


def rows(quick: bool = False) -> list[Row]:
    """The first batch of an epoch and the sampler's memory in one rank, medians of five processes."""
    samples, rounds = (2000, 1) if quick else (1_000_000, 5)
    found: dict[str, Cost] = {}
    for name, build in samplers().items():
        if name.endswith("MultiSourceSampler"):
            costs = [in_own_process(cost_of, build, samples, 1) for _ in range(rounds)]
            if None in costs:
                raise RuntimeError(f"{name} took more than {MOST_SECONDS:.0f} s, or was killed")
            found[name] = Cost(*(statistics.median(values) for values in zip(*map(astuple, costs))))
    ours, theirs = found["mmpose_mix MultiSourceSampler"], found.get("MMPose MultiSourceSampler")
    what = f"of {samples:,} samples in 4 sources"
    first = ours.first_batch * 1e3, None if theirs is None else theirs.first_batch * 1e3
    # what cannot be told from Python's own needs counts as a megabyte
    memory = max(ours.memory / 1e6, 1.0), None if theirs is None else max(theirs.memory / 1e6, 1.0)
    return [
        Row("sampler_first_batch", f"first batch of an epoch {what}", "ms", *first, "at once"),
        Row("sampler_memory", f"memory of a rank's sampler {what}", "MB", *memory, "constant"),
    ]


def in_seconds(seconds: float) -> str:
    """Seconds, or milliseconds where they are few."""
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def in_bytes(memory: float) -> str:
    """Gigabytes or megabytes; less than one cannot be told from what Python needs besides."""
    if memory < 1e6:
        return "< 1 MB"
    return f"{memory / 1e9:.3g} GB" if memory >= 1e9 else f"{memory / 1e6:.3g} MB"


def main() -> None:
    """Measures and prints the tables, and draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[10**5, 10**6, 10**7, 10**8])
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--step", type=int, default=1_000_000, help="where to resume")
    parser.add_argument("--plot", type=Path, help="draws time and memory over the number of samples into this file")
    arguments = parser.parse_args()
    sizes, worlds = sorted(arguments.samples), sorted(arguments.ranks)
    print(f"{machine()}; load {os.getloadavg()[0]:.1f}")
    costs = all_costs(sizes, worlds)
    print_costs(costs)
    print_resuming(min(max(sizes), MOST_TIMED), arguments.step)
    print_shares(min(sizes))
    if arguments.plot:
        from benchmarks.sampler_plot import plot_costs

        plot_costs(costs, arguments.plot)


if __name__ == "__main__":
    main()
