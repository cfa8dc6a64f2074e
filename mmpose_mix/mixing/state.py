"""Where a mixture stands in its training: what a checkpoint keeps, and what becomes of it when the mixture changed.

What a change does (:func:`carried_over` says each in a sentence):

======================================  ===============================================================================
changed since the checkpoint            what happens
======================================  ===============================================================================
nothing, or the number of ranks         goes on exactly
any of the following                    steps and epochs are counted on; lags, less than a sample each, are forgotten:
                                        the bounds of the quotas count from this step
source_ratio                            the new one begins at this step; sources go on where they are in their passes
a source more                           starts its first pass
a source less                           is dropped
the order of the sources                each goes on where it was: they are matched by name
a source's length                       that source starts anew: its old order says nothing about the new one
shuffle, seed                           the new one: all sources start anew (``MultiSourceSampler`` keeps the seed of
                                        the checkpoint instead, as MMEngine gives each run another one)
the global batch, the epoch's length    an epoch that has begun gets the samples that it lacks, in as many steps as they
                                        need, rounded up; the next one has the new length
======================================  ===============================================================================

Nothing of an epoch is lost or doubled: the steps of the new size draw on from the same passes, so what the rounding
adds to the end of one epoch the next one does not draw again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count
from typing import Any

from mmpose_mix.mixing.allocation import QuotaState

VERSION = 1

_NUMBERS = {"epoch": 0, "step": 0, "step_of_epoch": 0, "begun": 0, "steps_of_epoch": 1, "steps_per_epoch": 1}
_SMALLEST = {**_NUMBERS, "batch_size": 1}
_LISTS = ("streams", "lengths", "delivered")
_REQUIRED = ("version", "seed", "shuffle", *_SMALLEST, "ratio", "sources", *_LISTS)
_FRACTION = re.compile(r"-?\d+(/[1-9]\d*)?")


@dataclass(frozen=True)
class MixtureState:
    """Where a mixture stands, before step ``quotas.step`` of the training.

    Args:
        seed: that of the shuffles.
        sources: S names, no two alike.
        lengths: S numbers of samples.
        ratio: what the ratio is recognised by, see :func:`~mmpose_mix.mixing.fingerprint.ratio_fingerprint`.
        batch_size: samples of a global batch.
        steps_per_epoch: steps of the epochs after this one.
        quotas: the step, and where every source stands in its passes.
        epoch: the epoch of that step.
        step_of_epoch: steps of this epoch before it, below ``steps_of_epoch``.
        steps_of_epoch: steps of this epoch, which differ from those of the others after a change within it.
        shuffle: whether a pass is a shuffle.
        streams: S numbers that choose the shuffles of each source, see :class:`~mmpose_mix.mixing.plan.MixPlan`: a
            source keeps its number and so its order, wherever it stands among the others.
    """

    seed: int
    sources: tuple[str, ...]
    lengths: tuple[int, ...]
    ratio: str
    batch_size: int
    steps_per_epoch: int
    quotas: QuotaState
    epoch: int
    step_of_epoch: int
    steps_of_epoch: int
    shuffle: bool
    streams: tuple[int, ...]

    @classmethod
    def begin(
        cls,
        seed: int,
        sources: Sequence[str],
        lengths: Sequence[int],
        ratio: str,
        batch_size: int,
        steps_per_epoch: int,
        quotas: QuotaState,
        shuffle: bool = True,
    ) -> MixtureState:
        """Return the state before the first step of epoch 0; ``quotas`` is the start of its quotas."""
        return cls(
            seed=seed,
            sources=tuple(sources),
            lengths=tuple(lengths),
            ratio=ratio,
            batch_size=batch_size,
            steps_per_epoch=steps_per_epoch,
            quotas=quotas,
            epoch=0,
            step_of_epoch=0,
            steps_of_epoch=steps_per_epoch,
            shuffle=shuffle,
            streams=tuple(range(len(sources))),
        )

    @property
    def steps_left(self) -> int:
        """Steps that this epoch still lacks."""
        return self.steps_of_epoch - self.step_of_epoch

    def first_step_of(self, epoch: int) -> int:
        """Return the first step of an epoch, counted over the training; that of ``epoch + 1`` is its end.

        Raises:
            ValueError: if the epoch lies before this one: how long it was is not known.

        >>> state = MixtureState.begin(0, ["a"], [9], "a=1", 4, 3, QuotaState(0, (0,)))
        >>> state.first_step_of(2)
        6
        """
        if epoch < self.epoch:
            raise ValueError(f"mixture state: epoch {epoch} is over, the state is of epoch {self.epoch}.")
        begin = self.quotas.step - self.step_of_epoch
        if epoch == self.epoch:
            return begin
        return begin + self.steps_of_epoch + (epoch - self.epoch - 1) * self.steps_per_epoch

    def at(self, quotas: QuotaState) -> MixtureState:
        """Return the state of the same mixture at another step, in this epoch or later.

        After the last step of an epoch it is step 0 of the next one.

        Raises:
            ValueError: if the step lies before this epoch.

        >>> state = MixtureState.begin(0, ["a"], [9], "a=1", 4, 3, QuotaState(0, (0,)))
        >>> later = state.at(QuotaState(7, (28,)))
        >>> later.epoch, later.step_of_epoch
        (2, 1)
        """
        past = quotas.step - self.first_step_of(self.epoch + 1)
        if past >= 0:
            more, step = divmod(past, self.steps_per_epoch)
            whole = self.steps_per_epoch
            return replace(self, quotas=quotas, epoch=self.epoch + 1 + more, step_of_epoch=step, steps_of_epoch=whole)
        begin = self.first_step_of(self.epoch)
        if quotas.step < begin:
            raise ValueError(f"mixture state: step {quotas.step} lies before epoch {self.epoch}, from step {begin} on.")
        return replace(self, quotas=quotas, step_of_epoch=quotas.step - begin)

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON types: numbers, strings and lists; lags as 'p/q', none where all are 0."""
        quotas = self.quotas
        state: dict[str, Any] = {
            "version": VERSION,
            "seed": self.seed,
            "shuffle": self.shuffle,
            "epoch": self.epoch,
            "step": quotas.step,
            "step_of_epoch": self.step_of_epoch,
            "steps_of_epoch": self.steps_of_epoch,
            "steps_per_epoch": self.steps_per_epoch,
            "batch_size": self.batch_size,
            "ratio": self.ratio,
            "sources": list(self.sources),
            "streams": list(self.streams),
            "lengths": list(self.lengths),
            "delivered": list(quotas.delivered),
            "begun": quotas.begun,
        }
        if any(quotas.lags):
            state["lags"] = [str(lag) for lag in quotas.lags]
        return state

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> MixtureState:
        """Return the state that :meth:`to_dict` wrote down.

        Raises:
            ValueError: if it was written by a newer version, or a field is missing, unknown or none; it names all.
        """
        wrong = _findings(state)
        if wrong:
            raise ValueError(
                f"mixture state: {'; '.join(wrong)}. The checkpoint is damaged or was changed by hand: resume from "
                "another one, or load its weights alone and begin the mixture anew."
            )
        lags = tuple(Fraction(lag) for lag in state.get("lags", ()))
        quotas = QuotaState(state["step"], tuple(state["delivered"]), state["begun"], lags)
        return cls(
            seed=state["seed"],
            sources=tuple(state["sources"]),
            lengths=tuple(state["lengths"]),
            ratio=state["ratio"],
            batch_size=state["batch_size"],
            steps_per_epoch=state["steps_per_epoch"],
            quotas=quotas,
            epoch=state["epoch"],
            step_of_epoch=state["step_of_epoch"],
            steps_of_epoch=state["steps_of_epoch"],
            shuffle=state["shuffle"],
            streams=tuple(state["streams"]),
        )


def _findings(state: Any) -> list[str]:
    """Return what is wrong with a state that was read."""
    if not isinstance(state, Mapping):
        return [f"it is a {type(state).__name__}, not a dict"]
    version: Any = state.get("version")
    if _is_integer(version) and version > VERSION:
        return [f"version={version} is newer than {VERSION}, the newest that this mmpose_mix reads; update mmpose_mix"]
    wrong = [f"{name} is missing" for name in _REQUIRED if name not in state]
    wrong += [f"{name!r} is no field" for name in state if name not in (*_REQUIRED, "lags")]
    if wrong:
        return wrong
    if version != VERSION or not _is_integer(version):
        wrong.append(f"version={version!r} must be {VERSION}")
    if not _is_integer(state["seed"]):
        wrong.append(f"seed={state['seed']!r} must be an integer")
    if not isinstance(state["shuffle"], bool):
        wrong.append(f"shuffle={state['shuffle']!r} must be true or false")
    for name, smallest in _SMALLEST.items():
        if not _is_integer(state[name]) or state[name] < smallest:
            wrong.append(f"{name}={state[name]!r} must be an integer of at least {smallest}")
    if not isinstance(state["ratio"], str):
        wrong.append(f"ratio={state['ratio']!r} must be a string")
    wrong += _findings_on_sources(state)
    return wrong or _disagreements(state)


def _findings_on_sources(state: Mapping[str, Any]) -> list[str]:
    wrong = []
    sources = state["sources"]
    named = isinstance(sources, (list, tuple)) and bool(sources) and all(isinstance(name, str) for name in sources)
    if not named or len(set(sources)) < len(sources):
        wrong.append(f"sources={sources!r} must be a list of different names")
    for name in _LISTS:
        counts = state[name]
        if not isinstance(counts, (list, tuple)) or not all(_is_integer(count) and count >= 0 for count in counts):
            wrong.append(f"{name}={counts!r} must be a list of integers of at least 0")
    lags = state.get("lags", [])
    if not isinstance(lags, (list, tuple)) or not all(
        isinstance(lag, str) and _FRACTION.fullmatch(lag) for lag in lags
    ):
        wrong.append(f"lags={lags!r} must be a list of fractions as strings, as '-1/3'")
    return wrong


def _disagreements(state: Mapping[str, Any]) -> list[str]:
    wrong = []
    for name in (*_LISTS, *(["lags"] if state.get("lags") else [])):
        if len(state[name]) != len(state["sources"]):
            wrong.append(f"{name} has {len(state[name])} entries for {len(state['sources'])} sources")
    if len(set(state["streams"])) < len(state["streams"]):
        wrong.append(f"streams={state['streams']} has a number twice")
    for name, limit in (("begun", "step"), ("step_of_epoch", "step")):
        if state[name] > state[limit]:
            wrong.append(f"{name}={state[name]} is past {limit}={state[limit]}")
    if state["step_of_epoch"] >= state["steps_of_epoch"]:
        wrong.append(f"step_of_epoch={state['step_of_epoch']} must be below steps_of_epoch={state['steps_of_epoch']}")
    return wrong


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def carried_over(saved: MixtureState, present: MixtureState) -> tuple[MixtureState, tuple[str, ...]]:
    """Return where a mixture goes on from a checkpoint, and what was done about what changed since.

    Args:
        saved: the checkpoint's state.
        present: the first state of the mixture as it is now.

    Returns:
        The state to go on from, and a sentence for each change; none if nothing changed.

    >>> saved = MixtureState.begin(0, ["a", "b"], [9, 5], "size", 4, 3, QuotaState(0, (0, 0)))
    >>> saved = saved.at(QuotaState(4, (12, 4)))
    >>> present = MixtureState.begin(0, ["b", "c"], [5, 7], "size", 4, 3, QuotaState(0, (0, 0)))
    >>> state, said = carried_over(saved, present)
    >>> state.quotas.delivered, state.epoch, state.step_of_epoch
    ((4, 0), 1, 1)
    >>> print(*said[:2])
    Source 'a' is gone: its place after 12 draws is dropped. Source 'c' (7 samples) is new: it starts its first pass.
    """
    anew = saved.seed != present.seed or saved.shuffle != present.shuffle
    delivered, said = _carried_passes(saved, present, anew)
    if saved.shuffle != present.shuffle:
        said.insert(0, f"shuffle is {present.shuffle} instead of {saved.shuffle}: all sources start anew.")
    if saved.seed != present.seed:
        said.insert(0, f"The seed is {present.seed} instead of {saved.seed}: all sources start anew.")
    step = saved.quotas.step
    if saved.ratio != present.ratio:
        said.append(
            f"source_ratio is {present.ratio} instead of {saved.ratio}: the new one begins at step {step}, and the "
            "sources go on where they are in their passes."
        )
    steps_of_epoch, about_epoch = _carried_epoch(saved, present)
    said += about_epoch
    quotas = saved.quotas
    if said:
        quotas = QuotaState(step, delivered, begun=step)
        said.append(
            f"From step {step} on the quotas are counted anew: what a source was ahead or behind, less than one "
            "sample, is forgotten."
        )
    state = replace(
        present,
        quotas=quotas,
        epoch=saved.epoch,
        step_of_epoch=saved.step_of_epoch,
        steps_of_epoch=steps_of_epoch,
        streams=_carried_streams(saved, present),
    )
    return state, tuple(said)


def _carried_streams(saved: MixtureState, present: MixtureState) -> tuple[int, ...]:
    before = dict(zip(saved.sources, saved.streams))
    fresh = count(max(saved.streams) + 1)
    return tuple(before[name] if name in before else next(fresh) for name in present.sources)


def _carried_passes(saved: MixtureState, present: MixtureState, anew: bool) -> tuple[tuple[int, ...], list[str]]:
    """Return the draws of each present source that count on, and sentences about the sources."""
    before = {name: place for place, name in enumerate(saved.sources)}
    draws = dict(zip(saved.sources, saved.quotas.delivered))
    said = [
        f"Source {name!r} is gone: its place after {draws[name]} draws is dropped."
        for name in saved.sources
        if name not in present.sources
    ]
    delivered = []
    for name, length in zip(present.sources, present.lengths):
        if name not in before:
            said.append(f"Source {name!r} ({length} samples) is new: it starts its first pass.")
        elif length != saved.lengths[before[name]]:
            said.append(
                f"Source {name!r} has {length} samples instead of {saved.lengths[before[name]]}: it starts anew after "
                f"{draws[name]} draws."
            )
        delivered.append(0 if anew or name not in before or length != saved.lengths[before[name]] else draws[name])
    kept = [name for name in saved.sources if name in present.sources]
    now = [name for name in present.sources if name in before]
    if kept != now:
        said.append(
            f"The sources stand in another order, {', '.join(now)} instead of {', '.join(kept)}: they are matched by "
            "name."
        )
    return tuple(delivered), said


def _carried_epoch(saved: MixtureState, present: MixtureState) -> tuple[int, list[str]]:
    """Return the steps that the saved epoch has in all, and sentences about its length."""
    said = []
    if saved.batch_size != present.batch_size:
        said.append(f"A global batch has {present.batch_size} samples instead of {saved.batch_size}.")
    if saved.steps_per_epoch != present.steps_per_epoch:
        said.append(f"An epoch has {present.steps_per_epoch} steps instead of {saved.steps_per_epoch}.")
    if not saved.step_of_epoch:
        return present.steps_per_epoch if said else saved.steps_of_epoch, said
    missing = saved.steps_left * saved.batch_size
    left = -(-missing // present.batch_size)
    if said:
        said.append(
            f"Epoch {saved.epoch} goes on with the {missing} samples that it lacks, in {left} steps of "
            f"{present.batch_size}; the next one has {present.steps_per_epoch}."
        )
    return saved.step_of_epoch + left, said
