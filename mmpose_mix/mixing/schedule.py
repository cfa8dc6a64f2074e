"""Ratios that change over the training: stages that hold a ratio, and moves from one to the next."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple, Optional, Union

import numpy as np
from numpy.typing import NDArray

from mmpose_mix.mixing.allocation import Quotas, QuotaSchedule, QuotaState, is_number
from mmpose_mix.mixing.ramp import CHANGES, Ramp
from mmpose_mix.mixing.ratio import ratio_weights

_SCHEDULE_KEYS = ("by_epoch", "stages")
_STAGE_KEYS = ("begin", "end", "ratio", "change")
_EXAMPLE = (
    "A schedule is dict(by_epoch=True, stages=[dict(begin=0, ratio=...), dict(begin=10, end=50, ratio=..., "
    "change='linear'), ...])"
)
_WALK = 1024


def is_schedule(words: Any) -> bool:
    """Whether the words of a ratio are those of a schedule.

    >>> is_schedule({"stages": [{"begin": 0, "ratio": "size"}]}), is_schedule({"coco": 1, "stages": 2})
    (True, False)
    """
    return isinstance(words, Mapping) and any(key in words and not is_number(words[key]) for key in _SCHEDULE_KEYS)


def quotas_of(
    words: Any,
    lengths: Sequence[int],
    names: Sequence[str],
    batch_size: int,
    steps_per_epoch: int,
    where: str = "source_ratio",
    step_of_epoch_0: int = 0,
) -> Quotas:
    """Return the quotas that the words of a ratio, or of a schedule of ratios, ask for.

    A schedule is ``dict(by_epoch=True, stages=[...])``. A stage ``dict(begin=0, ratio=...)`` holds its ratio until the
    next begins. With ``end`` and ``change='linear'`` or ``'cosine'`` the ratio moves, between ``begin`` and ``end``,
    from that of the stage before to its own and then holds. Ratios are words of
    :func:`~mmpose_mix.mixing.ratio.ratio_weights`. ``begin`` and ``end`` count epochs, and a moving ratio changes once
    an epoch; with ``by_epoch=False`` they count iterations, and it changes with each.

    Args:
        words: see above.
        lengths: S numbers of items of the sources.
        names: S names of the sources, no two alike.
        batch_size: samples of a global batch.
        steps_per_epoch: batches of an epoch.
        where: what the words are called in errors.
        step_of_epoch_0: where epochs are counted from: another step than 0 after the length of an epoch was changed.

    Raises:
        TypeError, ValueError: if the words are no ratio and no schedule; for a schedule one error names every finding.

    >>> stages = [{"begin": 0, "ratio": [1, 1]}, {"begin": 2, "ratio": {"coco": 3, "aic": 1}}]
    >>> quotas = quotas_of({"stages": stages}, [100, 100], ["coco", "aic"], batch_size=4, steps_per_epoch=1)
    >>> quotas.block(quotas.start(), 4)[0].tolist()
    [[2, 2], [2, 2], [3, 1], [3, 1]]
    """
    if not is_schedule(words):
        return QuotaSchedule(ratio_weights(words, lengths, names, where), batch_size)
    by_epoch, stages = _stages_of(words, lengths, names, where)
    if by_epoch:
        return RatioTimeline(stages, batch_size, steps_per_epoch, step_of_epoch_0)
    return RatioTimeline(stages, batch_size)


class Stage(NamedTuple):
    """A stage of a schedule."""

    begin: int
    shares: tuple[Fraction, ...]
    end: Optional[int] = None
    """Where its ratio is reached; ``None``: at once."""
    change: str = ""
    """How it is reached, one of ``CHANGES``."""


@dataclass(frozen=True)
class _Segment:
    begin: int
    quotas: Union[QuotaSchedule, Ramp]


class RatioTimeline:
    """The quotas of a ratio that changes in stages.

    While a ratio holds, every batch is floor or ceil of its shares, and what was delivered since it began is within one
    sample of what was wanted, see :class:`~mmpose_mix.mixing.allocation.QuotaSchedule`. While it moves see
    :mod:`~mmpose_mix.mixing.ramp`. Where a ratio begins to hold or to move, a residual of less than one sample a source
    is forgiven. A state whose ``begun`` is later than that goes on as if the stage had begun there.

    Args:
        stages: in order; the first holds and begins at 0.
        batch_size: samples of a global batch.
        steps_a_unit: steps of what the stages count: of an epoch, or 1.
        origin: the step that the stages are counted from. Where it is not 0, only what follows a state can be sought.

    >>> half, whole = (Fraction(1, 2), Fraction(1, 2)), (Fraction(1), Fraction(0))
    >>> timeline = RatioTimeline([Stage(0, half), Stage(1, whole, 5, "linear")], batch_size=4)
    >>> timeline.block(timeline.start(), 7)[0].tolist()
    [[2, 2], [2, 2], [3, 1], [3, 1], [3, 1], [4, 0], [4, 0]]
    """

    def __init__(self, stages: Sequence[Stage], batch_size: int, steps_a_unit: int = 1, origin: int = 0) -> None:
        self.batch_size = int(batch_size)
        self.num_sources = len(stages[0].shares)
        self.period = 0
        self._segments: list[_Segment] = []
        follows: Sequence[Optional[Stage]] = [*stages[1:], None]
        before = stages[0].shares
        for stage, after in zip(stages, follows):
            begin = origin + stage.begin * steps_a_unit
            if stage.end is not None:
                ticks = stage.end - stage.begin
                ramp = Ramp(begin, ticks, steps_a_unit, stage.change, before, stage.shares, self.batch_size)
                self._segments.append(_Segment(begin, ramp))
                begin = ramp.end
            if after is None or origin + after.begin * steps_a_unit > begin:
                self._segments.append(_Segment(begin, QuotaSchedule(stage.shares, self.batch_size)))
            before = stage.shares
        self._begins = [min(0, origin), *(segment.begin for segment in self._segments[1:])]
        self.drawn = tuple(any(drawn) for drawn in zip(*(segment.quotas.drawn for segment in self._segments)))
        # States at the begins of segments, as far as they were needed; walked from the start of the training.
        self._known = [self.start()]

    def shares_at(self, step: int) -> tuple[Fraction, ...]:
        """Return the share of each source that batch ``step`` asks for."""
        return self._segments[self._place_of(step)].quotas.shares_at(step)

    def start(self) -> QuotaState:
        """Return the state before the first batch."""
        return QuotaState(0, (0,) * self.num_sources, 0, (Fraction(0),) * self.num_sources)

    def block(self, state: QuotaState, batches: int) -> tuple[NDArray[np.int64], QuotaState]:
        """Return the quotas of the next batches and the state after them.

        Args:
            state: where to go on, from :meth:`start`, :meth:`seek` or an earlier block.
            batches: T, how many.

        Returns:
            (T, S) int64 quotas; every row sums to the batch size.

        Raises:
            ValueError: if the state is none of this timeline.
        """
        last = state.step + batches
        state = self._entered(state)
        parts = [np.zeros((0, self.num_sources), dtype=np.int64)]
        while state.step < last:
            place = self._place_of(state.step)
            until = min([last, *self._begins[place + 1 : place + 2]])
            counts, state = self._segments[place].quotas.block(state, until - state.step)
            parts.append(counts)
            state = self._entered(state)
        return np.concatenate(parts), state

    def seek(self, step: int, nearest: Optional[QuotaState] = None) -> QuotaState:
        """Return the state before batch ``step``.

        In a ratio that holds whole periods are skipped; one that moves is walked, at some ten microseconds a batch.

        Args:
            step: index of a batch, at least 0.
            nearest: a state of this timeline at or before ``step``, to go on from; a later one is not used.
        """
        place = self._place_of(step)
        if nearest is not None and nearest.step <= step:
            state = self._entered(nearest)
            for number in range(self._place_of(nearest.step) + 1, place + 1):
                state = self._within(state, self._begins[number])
            return self._within(state, step)
        while len(self._known) <= place:
            self._known.append(self._within(self._known[-1], self._begins[len(self._known)]))
        return self._within(self._known[place], step)

    def _within(self, state: QuotaState, step: int) -> QuotaState:
        """Return the state before a step of the segment that a state is in, or before the first step after it."""
        quotas = self._segments[self._place_of(state.step)].quotas
        if isinstance(quotas, QuotaSchedule):
            return self._entered(quotas.seek(step, state))
        while state.step < step:
            _, state = self.block(state, min(step - state.step, _WALK))
        return state

    def _entered(self, state: QuotaState) -> QuotaState:
        """Return a state with the residual forgiven where its segment begins."""
        begin = self._begins[self._place_of(state.step)]
        if state.step == begin > state.begun or (state.step == state.begun and not state.lags):
            return QuotaState(state.step, state.delivered, state.step, (Fraction(0),) * self.num_sources)
        if not begin <= state.begun <= state.step:
            raise ValueError(
                f"{state!r} is no state of a schedule whose ratio changes at step {begin}. Continue only with the "
                "schedule that the state was made with, or begin a stage of its own: begun=step and no lags."
            )
        return state

    def _place_of(self, step: int) -> int:
        return bisect_right(self._begins, step) - 1


def _stages_of(
    words: Mapping[Any, Any], lengths: Sequence[int], names: Sequence[str], where: str
) -> tuple[bool, list[Stage]]:
    findings = [
        f"{where}[{key!r}] is unknown; allowed are {_listed(_SCHEDULE_KEYS)}"
        for key in words
        if key not in _SCHEDULE_KEYS
    ]
    by_epoch = words.get("by_epoch", True)
    if not isinstance(by_epoch, (bool, np.bool_)):
        findings.append(f"{where}['by_epoch']={by_epoch!r} must be True (count epochs) or False (count iterations)")
    listed = words.get("stages")
    if not isinstance(listed, (list, tuple)) or not listed:
        findings.append(f"{where}['stages']={listed!r} must be a list of at least one stage")
        listed = []
    read = [_stage_of(stage, lengths, names, f"{where}.stages[{number}]") for number, stage in enumerate(listed)]
    for number, stage in enumerate(listed):
        findings += read[number][0]
        if isinstance(stage, Mapping):
            findings += _misplaced(stage, listed[number - 1] if number else None, f"{where}.stages[{number}]")
    if findings:
        raise ValueError(f"{'; '.join(findings)}. {_EXAMPLE}.")
    return bool(by_epoch), [stage for _, stage in read if stage]


def _stage_of(
    words: Any, lengths: Sequence[int], names: Sequence[str], place: str
) -> tuple[list[str], Optional[Stage]]:
    """Return what is wrong with a stage by itself and, if nothing is, the stage."""
    if not isinstance(words, Mapping):
        return [f"{place}={words!r} must be a dict"], None
    unknown = [key for key in words if key not in _STAGE_KEYS]
    findings = [f"{place}[{key!r}] is unknown; allowed are {_listed(_STAGE_KEYS)}" for key in unknown]
    findings += [f"{place} has no {key!r}" for key in ("begin", "ratio") if key not in words]
    for key in ("begin", "end"):
        if key in words and _count(words[key]) is None and not (key == "end" and words[key] is None):
            findings.append(f"{place}[{key!r}]={words[key]!r} must be an integer of at least 0")
    change, end = words.get("change"), words.get("end")
    if change is not None and change not in CHANGES:
        findings.append(f"{place}['change']={change!r} must be {' or '.join(map(repr, CHANGES))}")
    if (change is None) != (end is None):
        findings.append(f"{place}: a ratio that moves needs both 'end' and 'change', one that holds neither")
    if "ratio" in words:
        try:
            shares = ratio_weights(words["ratio"], lengths, names, f"{place}.ratio")
        except (TypeError, ValueError) as error:
            findings.append(str(error).rstrip("."))
    if findings:
        return findings, None
    return [], Stage(int(words["begin"]), shares, None if end is None else int(end), change or "")


def _misplaced(stage: Mapping[Any, Any], before: Any, place: str) -> list[str]:
    """Return what is wrong with the times of a stage, as far as they are numbers."""
    begin, end = _count(stage.get("begin")), _count(stage.get("end"))
    findings = []
    if before is None:
        if begin:
            findings.append(f"{place}['begin']={begin} must be 0 in the first stage")
        if stage.get("end") is not None or stage.get("change") is not None:
            findings.append(f"{place} has no stage before to move from: leave 'end' and 'change' out")
    if begin is None:
        return findings
    if end is not None and end <= begin:
        findings.append(f"{place}['end']={end} must be after its begin={begin}")
    earlier = before if isinstance(before, Mapping) else {}
    begin_before, end_before = _count(earlier.get("begin")), _count(earlier.get("end"))
    if begin_before is not None and begin <= begin_before:
        findings.append(f"{place}['begin']={begin} must be after the begin={begin_before} of the stage before")
    elif end_before is not None and begin < end_before:
        findings.append(f"{place}['begin']={begin} must not be before the end={end_before} of the stage before")
    return findings


def _count(value: Any) -> Optional[int]:
    """Return a number of epochs or iterations, or None where a value is none."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)) or value < 0:
        return None
    return int(value)


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(map(repr, keys))
