"""Draw many random mixtures and check by definition what the mixing promises.

    python -m benchmarks.mixing_properties [--mixtures 100000] [--seed 0] [--first 0]

The checks share nothing with the package but its words: shares are integers that the mixture was drawn as, and every
bound is a comparison of integers. Ends with exit code 1 if anything is violated, naming the mixture:
``--first N --mixtures 1`` repeats mixture N.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Optional

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import machine, markdown_table
from mmpose_mix.mixing.allocation import Quotas
from mmpose_mix.mixing.plan import MixPlan
from mmpose_mix.mixing.schedule import quotas_of

SAMPLES_A_MIXTURE = 1500
RANKS_A_MIXTURE = 64
INT64_LIMIT = 2**62


@dataclass
class Stage:
    """A stage of a random schedule; ``weights`` are integers, ``words`` what the package is told."""

    begin: int
    weights: list[int]
    words: Any
    end: Optional[int] = None
    change: Optional[str] = None

    def as_words(self) -> dict[str, Any]:
        """The stage as a config has it."""
        words = {"begin": self.begin, "ratio": self.words}
        return words if self.end is None else {**words, "end": self.end, "change": self.change}


@dataclass
class Mixture:
    """A random mixture: its stages (one: a fixed ratio), sizes, batch size and how many batches are looked at."""

    stages: list[Stage]
    lengths: list[int]
    batch_size: int
    steps: int
    seed: int

    def quotas(self) -> Quotas:
        """New quotas of it, which know nothing of earlier ones."""
        words = {"by_epoch": False, "stages": [stage.as_words() for stage in self.stages]}
        if len(self.stages) == 1:
            words = self.stages[0].words
        return quotas_of(words, self.lengths, [f"s{i}" for i in range(len(self.lengths))], self.batch_size, 1)


@dataclass
class Stretch:
    """Steps ``first`` to ``last - 1``, in which the lags count from 0: ``wanted / unit`` samples of each source."""

    first: int
    last: int
    wanted: NDArray[Any]
    unit: int
    moving: bool


@dataclass
class Tally:
    """What was checked, what was violated, and the extremes."""

    checks: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    worst: dict[str, Fraction] = field(default_factory=dict)
    number: int = 0

    def check(self, what: str, fine: Any, count: int = 1) -> None:
        """Count checks, and a violation unless all are fine."""
        self.checks[what] += count
        if not np.all(fine):
            self.violations.append(f"mixture {self.number}: {what}")

    def extreme(self, what: str, value: Fraction) -> None:
        """Keep the largest."""
        self.worst[what] = max(self.worst.get(what, value), value)


def random_weights(rng: random.Random, sources: int) -> tuple[list[int], Any]:
    """Integer weights, at least one positive, and how they are written."""
    kind = rng.randrange(6)
    if kind == 0:
        weights = [rng.randint(0, 9) for _ in range(sources)]
    elif kind == 1:
        weights = [rng.choice([0, 1, 1, 10**6]) for _ in range(sources)]
    elif kind == 2:
        weights = [rng.randint(1, 400_000) for _ in range(sources)]
    elif kind == 3:
        weights = [int(10 ** rng.uniform(0, 6)) for _ in range(sources)]
    elif kind == 4:
        weights = [rng.choice([0, 1]) for _ in range(sources)]
    else:
        weights = [rng.randint(0, 10**4) for _ in range(sources)]
        if any(weights):
            return weights, {f"s{i}": float(f"{weight}e-4") for i, weight in enumerate(weights)}
    if not any(weights):
        weights[rng.randrange(sources)] = 1
    return weights, weights


def random_mixture(rng: random.Random) -> Mixture:
    """A mixture of 2 to 64 sources and batches of 1 to 65536 samples, most of them small."""
    sources = min(64, int(2 ** rng.uniform(1, 6.05)))
    batch_size = int(2 ** (16 * rng.random() ** 3)) if rng.random() < 0.995 else rng.choice([1, 65536])
    steps = rng.randint(20, 200 if sources < 16 else 50)
    stages = [Stage(0, *random_weights(rng, sources))]
    if rng.random() < 0.25:
        begin = 0
        for _ in range(rng.randint(1, 3)):
            begin += rng.randint(1, steps // 3)
            end = begin + rng.randint(1, steps // 2) if rng.random() < 0.6 else None
            change = rng.choice(["linear", "cosine"]) if end else None
            stages.append(Stage(begin, *random_weights(rng, sources), end, change))
            begin = end or begin
    shape = rng.choice([5, 60, 10**4, 10**7])
    lengths = [rng.randint(1, shape) for _ in range(sources)]
    return Mixture(stages, lengths, batch_size, steps, rng.getrandbits(32))


def stretches_of(mixture: Mixture) -> list[Stretch]:
    """What each batch should hold, by the definition of holding and moving ratios."""
    parts = []
    begins = [stage.begin for stage in mixture.stages[1:]] + [mixture.steps]
    before = mixture.stages[0].weights
    for stage, last in zip(mixture.stages, begins):
        first = stage.begin
        if stage.end is not None:
            parts.append(_moving(mixture, before, stage, min(stage.end, mixture.steps)))
            first = stage.end
        wanted = np.array([weight * mixture.batch_size for weight in stage.weights])
        rows = np.broadcast_to(wanted, (max(min(last, mixture.steps) - first, 0), len(wanted)))
        parts.append(Stretch(first, min(last, mixture.steps), rows, sum(stage.weights), moving=False))
        before = stage.weights
    return [part for part in parts if part.first < part.last]


def _moving(mixture: Mixture, before: list[int], stage: Stage, last: int) -> Stretch:
    ticks = stage.end - stage.begin
    whole = ticks if stage.change == "linear" else 10**9
    old, new = sum(before), sum(stage.weights)
    rows = []
    for tick in range(last - stage.begin):
        way = tick
        if stage.change == "cosine":
            way = min(round(0.5e9 * (1 - math.cos(math.pi * tick / ticks))), 10**9 - 1)
        parts = zip(before, stage.weights)
        rows.append([mixture.batch_size * (a * new * (whole - way) + b * old * way) for a, b in parts])
    wanted = np.array(rows, dtype=object).reshape(len(rows), len(before))
    return Stretch(stage.begin, last, wanted, old * new * whole, moving=True)


def check_quotas(tally: Tally, mixture: Mixture, quotas: Quotas, counts: NDArray[np.int64]) -> None:
    """Both bounds in every stretch, and that nothing without a share is drawn."""
    tally.check("batches that hold exactly B samples", counts.sum(axis=1) == mixture.batch_size, len(counts))
    for part in stretches_of(mixture):
        rows = counts[part.first : part.last]
        wanted, unit = part.wanted, part.unit
        kind = np.int64 if 2 * mixture.batch_size * unit * (len(rows) + 1) < INT64_LIMIT else object
        wanted, delivered = wanted.astype(kind), rows.astype(kind) * unit
        tally.check("sources of share 0 that are not drawn", rows[wanted == 0] == 0, int((wanted == 0).sum()))
        within = (delivered >= wanted // unit * unit) & (delivered <= -(-wanted // unit) * unit)
        gap = np.abs(wanted.cumsum(axis=0) - delivered.cumsum(axis=0))
        worst = Fraction(int(gap.max()), unit)
        if part.moving:
            tally.check("quotas within 2 of a moving share", np.abs(delivered - wanted) < 2 * unit, rows.size)
            tally.seen["batches of a moving ratio"] += len(rows)
            tally.seen["of them not floor or ceil of every share"] += int((~within).any(axis=1).sum())
            tally.seen["of them a sample or more behind or ahead"] += int((gap >= unit).any(axis=1).sum())
            tally.extreme("largest prefix error of a moving ratio", worst)
            _check_lags_of_move(tally, quotas, part, gap >= unit)
        else:
            tally.check("quotas that are floor or ceil of the share", within, rows.size)
            tally.check("prefixes within one sample", gap < unit, rows.size)
            tally.extreme("largest prefix error of a held ratio", worst)


def _check_lags_of_move(tally: Tally, quotas: Quotas, part: Stretch, outside: NDArray[np.bool_]) -> None:
    """Unless something was forgotten, which the lags tell, every prefix of a move is within one sample, too."""
    first = quotas.seek(part.first)
    state = quotas.seek(part.last - 1, first)
    delivered = np.array(state.delivered, dtype=object) - np.array(first.delivered, dtype=object)
    exact = part.wanted[:-1].sum(axis=0) - delivered * part.unit
    lags = [lag * part.unit for lag in state.lags] if part.last - 1 > part.first else [0] * len(delivered)
    forgotten = [int(abs(lag - true)) for lag, true in zip(lags, exact.tolist())]
    tally.seen["moves"] += 1
    tally.seen["moves that forgot an advance"] += any(forgotten) or bool(outside[-1].any())
    if any(forgotten):
        tally.extreme("most that a move forgot of one source", Fraction(max(forgotten), part.unit))
    else:
        # The lags are those before the last batch, which may be the one that forgets.
        tally.check("prefixes of moves that forgot nothing, within one sample", ~outside[:-1], outside[:-1].size)


def check_passes(tally: Tally, mixture: Mixture, indices: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
    """Every index lies in the source whose turn it is, and no pass over a source repeats one."""
    ends = np.cumsum(mixture.lengths)
    flat = indices.reshape(-1)
    source = np.searchsorted(ends, flat, side="right")
    drawn = np.stack([np.bincount(row, minlength=len(ends)) for row in source.reshape(indices.shape)])
    tally.check("batches whose draws are their quotas", drawn == counts, len(counts))
    order = np.argsort(source, kind="stable")
    grouped = source[order]
    turn = np.arange(len(flat)) - np.searchsorted(grouped, grouped)
    number = turn // np.array(mixture.lengths)[grouped]
    pairs = number * int(ends[-1]) + flat[order]
    tally.check("draws without a repeat in their pass", len(np.unique(pairs)) == len(pairs), len(pairs))


def check_ranks(tally: Tally, mixture: Mixture, plan: MixPlan, whole: NDArray[np.int64], rng: random.Random) -> None:
    """The ranks' batches together are the global batch, and each holds floor or ceil of its part."""
    world_sizes = [n for n in range(1, RANKS_A_MIXTURE + 1) if mixture.batch_size % n == 0]
    world_size = rng.choice(world_sizes[:8] if rng.random() < 0.9 else world_sizes)
    parts = [plan.block(plan.quotas.start(), len(whole), rank, world_size)[0].indices for rank in range(world_size)]
    everyone = np.sort(np.concatenate(parts, axis=1), axis=1)
    tally.check("global batches that do not depend on the world size", everyone == np.sort(whole, axis=1), len(whole))
    ends = np.cumsum(mixture.lengths)
    sources = np.stack([np.searchsorted(ends, part, side="right") for part in parts], axis=1)
    keys = sources + len(ends) * np.arange(len(whole) * world_size).reshape(len(whole), world_size, 1)
    held = np.bincount(keys.reshape(-1), minlength=len(whole) * world_size * len(ends))
    held = held.reshape(len(whole), world_size, len(ends))
    quota = held.sum(axis=1, keepdims=True)
    fine = (held >= quota // world_size) & (held <= -(-quota // world_size))
    tally.check("quotas of ranks that are floor or ceil of their part", fine, held.size)
    stage = mixture.stages[0]
    first = mixture.stages[1].begin if len(mixture.stages) > 1 else len(whole)
    unit = sum(stage.weights) * world_size
    wanted = np.array(stage.weights) * mixture.batch_size
    fine = (held[:first] >= wanted // unit) & (held[:first] <= -(-wanted // unit))
    tally.check("quotas of ranks that are floor or ceil of the rank's share", fine, held[:first].size)


def check_mixture(tally: Tally, rng: random.Random) -> None:
    """Draw one mixture and check everything."""
    mixture = random_mixture(rng)
    for stage in mixture.stages:
        # A source that no stage draws may be empty.
        tally.seen["stages"] += 1
        tally.seen["stages that leave a source out"] += 0 in stage.weights
    unused = [i for i in range(len(mixture.lengths)) if not any(stage.weights[i] for stage in mixture.stages)]
    for source in unused:
        mixture.lengths[source] = rng.choice([0, mixture.lengths[source]])
    quotas = mixture.quotas()
    counts, end = quotas.block(quotas.start(), mixture.steps)
    tally.seen["batches"] += len(counts)
    check_quotas(tally, mixture, quotas, counts)
    cut = rng.randint(0, mixture.steps)
    fresh = mixture.quotas()
    rest, last = fresh.block(fresh.seek(cut), mixture.steps - cut)
    tally.check("quotas resumed at a step", (rest == counts[cut:]).all() and last == end)

    steps = max(1, min(mixture.steps, SAMPLES_A_MIXTURE // mixture.batch_size))
    plan = MixPlan(mixture.lengths, quotas, mixture.seed)
    draws = plan.block(quotas.start(), steps)[0]
    tally.seen["indices"] += draws.indices.size
    check_passes(tally, mixture, draws.indices, counts[:steps])
    check_ranks(tally, mixture, plan, draws.indices, rng)
    cut = rng.randint(0, steps - 1)
    again = MixPlan(mixture.lengths, fresh, mixture.seed).walk(cut, steps)
    resumed = np.concatenate([part.indices for part, _ in again])
    tally.check("draws resumed at a step", resumed == draws.indices[cut:], steps - cut)


def main() -> int:
    """Run the checks and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mixtures", type=int, default=100_000, help="how many mixtures to draw")
    parser.add_argument("--seed", type=int, default=0, help="chooses the mixtures")
    parser.add_argument("--first", type=int, default=0, help="number of the first mixture")
    arguments = parser.parse_args()
    print(machine())
    tally = Tally()
    begin, busy = time.perf_counter(), time.process_time()
    for number in range(arguments.first, arguments.first + arguments.mixtures):
        tally.number = number
        check_mixture(tally, random.Random(f"{arguments.seed}/{number}"))
    seconds, busy = time.perf_counter() - begin, time.process_time() - busy
    print(f"{arguments.mixtures} mixtures, seed {arguments.seed}, in {seconds:.0f} s ({busy:.0f} s of one core)")
    for title, counter in (("seen", tally.seen), ("checks", tally.checks)):
        print(markdown_table([title, "number"], [[what, f"{count}"] for what, count in counter.items()]))
    worst = [[what, f"{value} = {float(value):.6f}"] for what, value in tally.worst.items()]
    print(markdown_table(["extremes", "samples"], worst))
    print(f"violations: {len(tally.violations)}")
    for violation in tally.violations[:20]:
        print(f"  {violation}")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    sys.exit(main())
