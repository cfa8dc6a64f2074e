"""What fixed places in a batch cost: how far the delivered ratio stays from the one asked for, for ever.

``python -m benchmarks.mixing_bias [--mixtures N]``. Mixtures are drawn evenly from all ratios in ten-thousandths whose
entries are positive and sum to 1, which is what a Dirichlet distribution with all parameters 1 is, on that grid. Ours
is run until every source's share is a whole number of samples, and all its batches are counted. The other rules repeat
one batch, so one batch is all there is to count; they are written out here from what their projects do. Where MMPose is
installed, its own sampler is run on some of the mixtures as well, and so is ours: both have to deliver what the tables
say, or this ends in an error.

Levanter divides blocks, whose size its user sets, and not batches; here a block is as large as the batch.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from fractions import Fraction
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import machine, markdown_table
from benchmarks.peers import Lengths, delivered_by, mmpose_is_here, mmpose_sampler
from mmpose_mix.datasets import MultiSourceSampler
from mmpose_mix.mixing.allocation import QuotaSchedule

Counts = NDArray[np.int64]
PARTS = 10_000
SETTINGS = ((4, 32), (8, 32), (8, 256), (14, 32))


def random_ratios(count: int, sources: int, seed: int = 0) -> list[Counts]:
    """Draw ``count`` times ``sources`` positive integers that sum to ``PARTS``, every choice as likely as any other."""
    generator = np.random.default_rng([seed, sources])
    inner = (np.sort(generator.choice(PARTS - 1, sources - 1, replace=False)) + 1 for _ in range(count))
    return [np.diff(cuts, prepend=0, append=PARTS) for cuts in inner]


def rest_to_first(ratio: Counts, batch_size: int) -> Counts:
    """MMPose's and mmdet's batch: shares rounded down, what is left over to source 0."""
    counts = ratio * batch_size // PARTS
    counts[0] += batch_size - counts.sum()
    return counts


def rest_to_largest(ratio: Counts, batch_size: int) -> Counts:
    """Levanter's block: shares rounded down, what is left over to the largest source."""
    counts = ratio * batch_size // PARTS
    counts[counts.argmax()] += batch_size - counts.sum()
    return counts


def largest_remainder(ratio: Counts, batch_size: int) -> Counts:
    """MosaicML's batch: shares rounded down, one sample more to the sources that lost most by it."""
    counts = ratio * batch_size // PARTS
    losers = np.argsort(-(ratio * batch_size % PARTS), kind="stable")
    counts[losers[: batch_size - counts.sum()]] += 1
    return counts


def exact(ratio: Counts, batch_size: int) -> Counts:
    """Our batches, until every source should have a whole number of samples, counted together."""
    return our_batches(ratio, batch_size).sum(axis=0)


def our_batches(ratio: Counts, batch_size: int) -> Counts:
    """Our quotas, (T, S), of as many batches as ``batches_to_whole_shares`` says."""
    schedule = QuotaSchedule(ratio.tolist(), batch_size)
    return schedule.block(schedule.start(), batches_to_whole_shares(batch_size))[0]


def batches_to_whole_shares(batch_size: int) -> int:
    """After how many batches every ratio in ten-thousandths asks for whole numbers of samples."""
    return PARTS // math.gcd(PARTS, batch_size)


RULES: dict[str, Callable[[Counts, int], Counts]] = {
    "MMPose, mmdet (rest to source 0)": rest_to_first,
    "Levanter (rest to the largest)": rest_to_largest,
    "MosaicML (largest remainder)": largest_remainder,
    "mmpose_mix": exact,
}


def total_variation(delivered: Counts, ratio: Counts) -> Fraction:
    """Half the sum of what the sources' shares differ by, in exact arithmetic."""
    samples = int(delivered.sum())
    differences = (abs(Fraction(int(got), samples) - Fraction(int(want), PARTS)) for got, want in zip(delivered, ratio))
    return sum(differences, Fraction(0)) / 2


def bias(rule: Callable[[Counts, int], Counts], ratios: list[Counts], batch_size: int) -> str:
    """A cell of the table: mean and largest total variation, and how often a source gets nothing."""
    delivered = [rule(ratio, batch_size) for ratio in ratios]
    variations = [total_variation(counts, ratio) for counts, ratio in zip(delivered, ratios)]
    starved = sum(not counts.all() for counts in delivered)
    if not any(variations) and not starved:
        return "0, 0, never"
    mean = float(sum(variations) / len(variations))
    return f"{mean:.1%}, {float(max(variations)):.1%}, {starved / len(ratios):.0%}"


def worst_batch_and_prefix(ratios: list[Counts], batch_size: int) -> tuple[Fraction, Fraction]:
    """By how many samples our batches, and our prefixes of batches, miss the ratio at most."""
    batch = prefix = 0
    for ratio in ratios:
        counts = our_batches(ratio, batch_size) * PARTS
        wanted = ratio * batch_size
        steps = np.arange(1, len(counts) + 1)[:, None]
        batch = max(batch, int(abs(counts - wanted).max()))
        prefix = max(prefix, int(abs(counts.cumsum(axis=0) - steps * wanted).max()))
    return Fraction(batch, PARTS), Fraction(prefix, PARTS)


def independent_stream(ratio: Counts, samples: int, seed: int) -> Counts:
    """The source of each sample, drawn by lot."""
    return np.random.default_rng(seed).choice(len(ratio), samples, p=ratio / PARTS)


def greedy_stream(ratio: Counts, samples: int, seed: int) -> Counts:
    """The source of each sample by Megatron-LM's rule: the one that lags most behind its share."""
    delivered = np.zeros_like(ratio)
    order = np.empty(samples, dtype=np.int64)
    for sample in range(samples):
        order[sample] = (ratio * max(sample, 1) - delivered * PARTS).argmax()
        delivered[order[sample]] += 1
    return order


def chairman_stream(ratio: Counts, samples: int, seed: int) -> Counts:
    """The source of each sample by Tijdeman's rule: of those that lag enough, the one that will lag too much first.

    R. Tijdeman, "The chairman assignment problem", Discrete Mathematics 32 (1980).
    """
    halves = 2 * len(ratio) - 2
    delivered = np.zeros_like(ratio)
    order = np.empty(samples, dtype=np.int64)
    for sample in range(samples):
        lag = (ratio * (sample + 1) - delivered * PARTS) * halves
        slack = (halves - 1) * PARTS - lag
        order[sample] = np.where(lag >= PARTS, slack / (ratio * halves), np.inf).argmin()
        delivered[order[sample]] += 1
    return order


def our_stream(ratio: Counts, samples: int, seed: int) -> Counts:
    """The source of each sample in our batches of one."""
    schedule = QuotaSchedule(ratio.tolist(), 1)
    return schedule.block(schedule.start(), samples)[0].argmax(axis=1)


STREAMS: dict[str, Callable[[Counts, int, int], Counts]] = {
    "independent draws": independent_stream,
    "greedy (Megatron-LM)": greedy_stream,
    "Tijdeman's chairman": chairman_stream,
    "mmpose_mix, batches of 1": our_stream,
}


def prefix_errors(stream: Callable[[Counts, int, int], Counts], ratios: list[Counts], samples: int) -> list[float]:
    """By how many samples a prefix of the stream misses the ratio at most, for every mixture."""
    errors = []
    steps = np.arange(1, samples + 1)[:, None]
    for seed, ratio in enumerate(ratios):
        delivered = np.eye(len(ratio), dtype=np.int64)[stream(ratio, samples, seed)].cumsum(axis=0)
        errors.append(int(abs(delivered * PARTS - steps * ratio).max()) / PARTS)
    return errors


def samplers_agree(ratios: list[Counts], batch_size: int, mixtures: int = 4) -> int:
    """Run the samplers themselves on some mixtures that MMPose's does not hang on; return on how many.

    Raises:
        RuntimeError: if a sampler delivers anything but what its rule says.
    """
    fit = [ratio for ratio in ratios if rest_to_first(ratio, batch_size).all()]
    chosen = list(islice(fit, mixtures))
    batches = batches_to_whole_shares(batch_size)
    for ratio in chosen:
        lens = [batches * batch_size // len(ratio)] * len(ratio)
        lens[0] += batches * batch_size - sum(lens)
        ours = MultiSourceSampler(Lengths(lens), batch_size, ratio.tolist(), seed=0, rank=0, world_size=1)
        _check("mmpose_mix", delivered_by(ours, lens), exact(ratio, batch_size))
        if mmpose_is_here():
            theirs = mmpose_sampler(lens, batch_size, ratio.tolist())
            _check("MMPose", delivered_by(theirs, lens), batches * rest_to_first(ratio, batch_size))
    return len(chosen)


def _check(whose: str, delivered: Counts, expected: Counts) -> None:
    if not np.array_equal(delivered, expected):
        raise RuntimeError(f"{whose}'s sampler delivered {delivered.tolist()}, its rule {expected.tolist()}.")


def print_bias(mixtures: int) -> None:
    """Print the first table: what each rule costs."""
    print(
        "Total variation between the ratio asked for and the one delivered: mean, largest; mixtures in which a source"
    )
    print(f"gets nothing ({mixtures} random mixtures each)\n")
    rows, exactness, agreed = [], [], 0
    for sources, batch_size in SETTINGS:
        ratios = random_ratios(mixtures, sources)
        rows.append([f"{sources}, {batch_size}", *(bias(rule, ratios, batch_size) for rule in RULES.values())])
        batch, prefix = worst_batch_and_prefix(ratios, batch_size)
        exactness.append([f"{sources}, {batch_size}", f"{float(batch):.4f}", f"{float(prefix):.4f}"])
        agreed += samplers_agree(ratios, batch_size)
    print(markdown_table(["sources, batch", *RULES], rows))
    who = "MMPose's sampler and ours deliver" if mmpose_is_here() else "MMPose is not installed; our sampler delivers"
    print(f"\n{who} what the rule says in {agreed} of these mixtures, sample for sample.\n")
    print("How many samples ours is off at most, over all mixtures and batches (under 1 is floor or ceil)\n")
    print(markdown_table(["sources, batch", "a batch", "a prefix of batches"], exactness))


def print_prefixes(mixtures: int, samples: int, sources: int = 8) -> None:
    """Print the second table: prefixes of streams that know no batches."""
    ratios = random_ratios(mixtures, sources, seed=1)
    rows = []
    for name, stream in STREAMS.items():
        errors = prefix_errors(stream, ratios, samples)
        rows.append([name, f"{max(errors):.4f}", f"{sum(errors) / len(errors):.4f}"])
    optimum = 1 - 1 / (2 * sources - 2)
    print(f"\nOne sample after another, {sources} sources: how many samples a prefix is off at most ({mixtures} random")
    print(f"mixtures, {samples:,} samples each; no rule can promise less than {optimum:.3f})\n")
    print(markdown_table(["", "worst mixture", "mean of the mixtures"], rows))


def main() -> None:
    """Measures and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mixtures", type=int, default=400, help="random mixtures for each row")
    parser.add_argument("--samples", type=int, default=10_000, help="samples of each stream of the last table")
    arguments = parser.parse_args()
    print(f"{machine()}\n")
    print_bias(arguments.mixtures)
    print_prefixes(min(20, arguments.mixtures), arguments.samples)


if __name__ == "__main__":
    main()
