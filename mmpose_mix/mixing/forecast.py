"""What a training will draw from a mixture, told before it draws anything: quotas, passes, and what a resume costs."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Optional

from mmpose_mix.mixing.allocation import Quotas, QuotaState
from mmpose_mix.mixing.plan import MixPlan
from mmpose_mix.mixing.simulation import Range, Stage, StageCount, count_stage

COUNTED_STEPS = 10_000
"""So many global batches of each stage are counted unless told otherwise."""

MANY_PASSES = 10
"""A source that is walked more often than that in one epoch is worth a remark."""

# What takes long (in seconds) need not be measured again to be told from a hiccup of the machine.
_REPEATS, _SLOW = 3, 0.05


@dataclass(frozen=True)
class Mixture:
    """The sources of a mixture.

    Args:
        names: S names.
        samples: S numbers of samples.
        items: S numbers of items that an epoch of the data set holds: ``samples`` times ``sample_ratio_factor``.
    """

    names: tuple[str, ...]
    samples: tuple[int, ...]
    items: tuple[int, ...]


@dataclass(frozen=True)
class Training:
    """How a training is cut into steps.

    Args:
        rank_batch: samples that a step takes on one rank.
        world_size: number of ranks.
        steps_per_epoch: steps of every rank.
        items_per_epoch: items that all ranks together load in an epoch.
        steps: of the whole training.
    """

    rank_batch: int
    world_size: int
    steps_per_epoch: int
    items_per_epoch: int
    steps: int

    @property
    def batch_size(self) -> int:
        """Samples of one global batch."""
        return self.rank_batch * self.world_size

    @property
    def epochs(self) -> Fraction:
        """Epochs of the training; the last need not be a whole one."""
        return Fraction(self.steps, self.steps_per_epoch)


@dataclass(frozen=True)
class SourceForecast:
    """What a training draws of one source.

    Args:
        name, samples, items: see :class:`Mixture`.
        shares: smallest and largest that is asked for at any step.
        draws: samples drawn in the whole training.
        passes: ``draws`` in walks over all samples.
        passes_per_epoch: fewest and most in an epoch of one share.
        seen: how often a sample is seen in the whole training, at least and at most; None where that is left to chance,
            as some items are dropped or come twice to fill up a batch.
    """

    name: str
    samples: int
    items: int
    shares: tuple[Fraction, Fraction]
    draws: Fraction
    passes: Fraction
    passes_per_epoch: tuple[Fraction, Fraction]
    seen: Optional[Range]


@dataclass(frozen=True)
class ChanceQuota:
    """What batches hold of a source where nothing but chance composes them.

    Args:
        mean, deviation: expected samples in a global batch, and their standard deviation.
        rank_mean, rank_deviation: the same for the batch of one rank.
        without: part of the ranks' batches that hold none.
    """

    mean: float
    deviation: float
    rank_mean: float
    rank_deviation: float
    without: float


@dataclass(frozen=True)
class Forecast:
    """The forecast of one training.

    Args:
        training: how it is cut into steps.
        sources: S forecasts.
        period: steps after which the quotas repeat; 0 where they never do, as nothing promises them or they move.
        stages: their first batches, counted; empty where nothing promises quotas.
        chances: S quotas by chance; empty where quotas are promised.
    """

    training: Training
    sources: tuple[SourceForecast, ...]
    period: int = 0
    stages: tuple[StageCount, ...] = ()
    chances: tuple[ChanceQuota, ...] = ()


@dataclass(frozen=True)
class SeekCost:
    """Measured time to the first batch of a step on one rank, in seconds, with and without a saved state."""

    step: int
    with_state: float
    without_state: float


def forecast_of_quotas(
    mixture: Mixture,
    training: Training,
    quotas: Quotas,
    stages: Sequence[Stage] = (),
    counted_steps: int = COUNTED_STEPS,
) -> Forecast:
    """Forecast a training whose batches have quotas.

    Args:
        mixture, training: of what and how long.
        quotas: of the global batches.
        stages: those of a schedule that the training reaches; none for a ratio that holds.
        counted_steps: how many steps of each stage to count at most.

    >>> from mmpose_mix.mixing.allocation import QuotaSchedule
    >>> training = Training(rank_batch=4, world_size=1, steps_per_epoch=3, items_per_epoch=12, steps=30)
    >>> mixture = Mixture(names=("coco", "aic"), samples=(8, 40), items=(8, 40))
    >>> coco, aic = forecast_of_quotas(mixture, training, QuotaSchedule([2, 1], batch_size=4)).sources
    >>> coco.draws, coco.passes, coco.seen, aic.seen
    (Fraction(80, 1), Fraction(10, 1), (10, 10), (1, 1))
    """
    counted, state = [], quotas.start()
    for stage in stages or (Stage(0, training.steps),):
        state = quotas.seek(stage.begin, state)
        counted.append(count_stage(quotas, stage, state, counted_steps, training.world_size))
    per_epoch = training.steps_per_epoch * training.batch_size
    sources = []
    for i, draws in enumerate(_draws(quotas, training, state)):
        samples, items = mixture.samples[i], mixture.items[i]
        shares = [share for count in counted for share in count.sources[i].shares]
        asked = (min(shares), max(shares))
        seen = (_seen(samples, items, math.floor(draws))[0], _seen(samples, items, math.ceil(draws))[1])
        of_epoch = (per_epoch * asked[0], per_epoch * asked[1])
        sources.append(_source(mixture.names[i], samples, items, asked, draws, of_epoch, seen))
    return Forecast(training, tuple(sources), quotas.period, tuple(counted))


def forecast_of_chance(mixture: Mixture, training: Training, times: int = 1, endless: bool = False) -> Forecast:
    """Forecast a training whose epochs hold every item once, in an order that asks for no source.

    Args:
        mixture, training: of what and how long.
        times: how often an epoch holds every item, if not once.
        endless: whether items come in one endless row of shuffles, of which an epoch is just a stretch.

    >>> training = Training(rank_batch=4, world_size=2, steps_per_epoch=6, items_per_epoch=48, steps=60)
    >>> mixture = Mixture(names=("coco", "aic"), samples=(8, 40), items=(8, 40))
    >>> coco, aic = forecast_of_chance(mixture, training).sources
    >>> coco.shares[0], coco.draws, coco.seen
    (Fraction(1, 6), Fraction(80, 1), (10, 10))
    """
    total = sum(mixture.items)
    draws = training.epochs * training.items_per_epoch
    if endless:
        draws = Fraction(training.steps * training.batch_size)
    sources = []
    for name, samples, items in zip(mixture.names, mixture.samples, mixture.items):
        share = Fraction(items, total)
        per_epoch = training.items_per_epoch * share
        seen: Optional[Range] = None
        if endless:
            seen = _seen_in_walks(samples, times * items, int(draws), times * total)
        elif training.items_per_epoch == times * total:
            seen = _seen_in_walks(samples, times * items, training.steps, training.steps_per_epoch)
        sources.append(_source(name, samples, items, (share, share), share * draws, (per_epoch, per_epoch), seen))
    chances = tuple(_chance_quota(items, total, training) for items in mixture.items)
    return Forecast(training, tuple(sources), chances=chances)


def remarks(forecast: Forecast) -> tuple[str, ...]:
    """Return what a user should know before the training, a sentence each.

    >>> training = Training(rank_batch=4, world_size=1, steps_per_epoch=100, items_per_epoch=400, steps=100)
    >>> remarks(forecast_of_chance(Mixture(("coco", "aic"), (400, 392), (400, 0)), training))
    ('aic: never drawn.',)
    """
    found = []
    for i, source in enumerate(forecast.sources):
        if not source.draws:
            found.append(f"{source.name}: never drawn.")
            continue
        if source.passes < 1:
            unseen = source.samples - math.floor(source.draws)
            found.append(
                f"{source.name}: no full pass in the whole training; at least {unseen:,} of its {source.samples:,} "
                f"samples are never seen."
            )
        if source.passes_per_epoch[1] > MANY_PASSES:
            found.append(
                f"{source.name}: {float(source.passes_per_epoch[1]):,.1f} passes an epoch: its {source.samples:,} "
                f"samples are repeated more than {MANY_PASSES} times. Lower its share, or expect it to be memorised."
            )
        if any(max(count.sources[i].shares) and not count.sources[i].rank_quota[0] for count in forecast.stages):
            found.append(
                f"{source.name}: some batches of a rank hold no sample of it; a rank's quota is less than one sample."
            )
    return tuple(found)


def measured_seeks(
    mixture: Mixture, training: Training, quotas: Quotas, seed: int = 0, shuffle: bool = True
) -> tuple[SeekCost, ...]:
    """Measure how long rank 0 waits for its first batch at the beginning, in the middle and at the end of the training.

    Returns:
        One cost for each of these steps, in order.
    """
    return tuple(
        _seek_cost(mixture, training, quotas, seed, shuffle, step)
        for step in sorted({0, training.steps // 2, training.steps - 1})
    )


def _seek_cost(mixture: Mixture, training: Training, quotas: Quotas, seed: int, shuffle: bool, step: int) -> SeekCost:
    seeks, batches = [], []
    for _ in range(_REPEATS):
        # Quotas remember what they have sought: each time others are asked.
        fresh = copy.deepcopy(quotas)
        begin = time.perf_counter()
        state = fresh.seek(step)
        sought = time.perf_counter()
        plan = MixPlan(mixture.items, fresh, seed, shuffle)
        next(plan.walk(step, step + 1, 0, training.world_size, nearest=state))
        batches.append(time.perf_counter() - sought)
        seeks.append(sought - begin)
        if seeks[-1] > _SLOW:
            break
    return SeekCost(step, min(batches), min(batches) + min(seeks))


def _draws(quotas: Quotas, training: Training, nearest: QuotaState) -> list[Fraction]:
    """Return the samples of each source in the whole training; of a ratio that holds, to less than one."""
    if not quotas.period:
        return [Fraction(delivered) for delivered in quotas.seek(training.steps, nearest).delivered]
    return [training.steps * training.batch_size * share for share in quotas.shares_at(0)]


def _source(
    name: str,
    samples: int,
    items: int,
    shares: tuple[Fraction, Fraction],
    draws: Fraction,
    per_epoch: tuple[Fraction, Fraction],
    seen: Optional[Range],
) -> SourceForecast:
    size = max(samples, 1)
    passes_per_epoch = (per_epoch[0] / size, per_epoch[1] / size)
    return SourceForecast(name, samples, items, shares, draws, draws / size, passes_per_epoch, seen)


def _seen(samples: int, items: int, draws: int) -> Range:
    """How often samples are seen in the first ``draws`` draws of a source whose epochs hold ``items`` of them.

    The items are walked in passes; those of all passes, laid end to end, walk over the samples.
    """
    if not draws:
        return 0, 0
    whole, rest = divmod(draws, items)
    settled = whole * items
    return settled // samples, min(-(-(settled + (items if rest else 0)) // samples), -(-settled // samples) + rest)


def _seen_in_walks(samples: int, items: int, done: int, whole: int) -> Range:
    """The same where every ``whole`` of something ``done`` brings each of the items once."""
    walks, rest = divmod(done, whole)
    return (walks * items // samples, -(-(walks + bool(rest)) * items // samples)) if items else (0, 0)


def _chance_quota(items: int, total: int, training: Training) -> ChanceQuota:
    mean, deviation = _hypergeometric(items, total, min(training.batch_size, total))
    rank_mean, rank_deviation = _hypergeometric(items, total, min(training.rank_batch, total))
    return ChanceQuota(mean, deviation, rank_mean, rank_deviation, _none_of(items, total, training.rank_batch))


def _hypergeometric(items: int, total: int, size: int) -> tuple[float, float]:
    """Return mean and standard deviation of how many of ``items`` are among ``size`` of ``total``, drawn at random."""
    share = items / total
    rest = (total - size) / (total - 1) if total > 1 else 0.0
    return size * share, math.sqrt(size * share * (1 - share) * rest)


def _none_of(items: int, total: int, size: int) -> float:
    """Return the probability that none of ``items`` is among ``size`` of ``total``."""
    if size > total - items:
        return 0.0
    log = sum(
        math.lgamma(n + 1) * sign
        for n, sign in ((total - items, 1), (total - size, 1), (total - items - size, -1), (total, -1))
    )
    return math.exp(min(0.0, log))
