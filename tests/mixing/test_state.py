"""What a checkpoint keeps of a mixture, and what becomes of it when the mixture changed."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmpose_mix.mixing.allocation import QuotaSchedule, QuotaState
from mmpose_mix.mixing.fingerprint import ratio_fingerprint
from mmpose_mix.mixing.plan import MixPlan
from mmpose_mix.mixing.state import VERSION, MixtureState, carried_over

LENGTHS = {"coco": 50, "aic": 90, "mpii": 30}
ANEW = (
    "From step 13 on the quotas are counted anew: what a source was ahead or behind, less than one sample, is "
    "forgotten."
)


def mixture(**changes: Any) -> MixtureState:
    """The first state of a mixture of 20 steps an epoch, with what is changed about it."""
    given = {"sources": list(LENGTHS), "ratio": "size", "batch_size": 8, "steps_per_epoch": 20, "seed": 5, **changes}
    lengths = given.pop("lengths", [LENGTHS.get(name, 70) for name in given["sources"]])
    return MixtureState.begin(lengths=lengths, quotas=QuotaState(0, (0,) * len(lengths)), **given)


def checkpoint(step: int = 13, delivered: tuple[int, ...] = (40, 41, 23)) -> MixtureState:
    third = Fraction(1, 3)
    return mixture().at(QuotaState(step, delivered, 0, (third, -third, Fraction(0))))


def written(**changes: Any) -> dict[str, Any]:
    return {**checkpoint().to_dict(), **changes}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in written().items() if key != name}


def test_golden_state():
    """What a checkpoint holds must stay readable."""
    assert checkpoint(33).to_dict() == {
        "version": 1,
        "seed": 5,
        "shuffle": True,
        "epoch": 1,
        "step": 33,
        "step_of_epoch": 13,
        "steps_of_epoch": 20,
        "steps_per_epoch": 20,
        "batch_size": 8,
        "ratio": "size",
        "sources": ["coco", "aic", "mpii"],
        "streams": [0, 1, 2],
        "lengths": [50, 90, 30],
        "delivered": [40, 41, 23],
        "begun": 0,
        "lags": ["1/3", "-1/3", "0"],
    }


NAMES = st.lists(st.text(max_size=8), min_size=1, max_size=14, unique=True)


@settings(max_examples=60, deadline=None)
@given(sources=NAMES, seed=st.integers(), step=st.integers(0, 10**12), data=st.data())
def test_a_state_survives_json(sources, seed, step, data):
    counts = st.lists(st.integers(0, 10**12), min_size=len(sources), max_size=len(sources)).map(tuple)
    lags = st.lists(st.fractions(-1, 1), min_size=len(sources), max_size=len(sources)).map(tuple)
    begun = data.draw(st.integers(0, step))
    quotas = QuotaState(step, data.draw(counts), begun, data.draw(lags))
    state = mixture(sources=sources, lengths=list(data.draw(counts)), seed=seed, shuffle=data.draw(st.booleans()))
    state = state.at(quotas if any(quotas.lags) else replace(quotas, lags=()))
    assert MixtureState.from_dict(json.loads(json.dumps(state.to_dict()))) == state


def test_a_state_of_many_sources_takes_a_few_hundred_bytes():
    schedule = QuotaSchedule([0.5 + i / 8 for i in range(14)], 512)
    state = mixture(sources=[f"dataset_{i}" for i in range(14)], lengths=[10**5] * 14, batch_size=512)
    assert len(json.dumps(state.at(schedule.seek(10**6)).to_dict())) < 1000


def test_lags_of_zero_are_left_out():
    quotas = QuotaState(3, (8, 8, 8), 0, (Fraction(0),) * 3)
    read = MixtureState.from_dict(mixture().at(quotas).to_dict())
    assert "lags" not in mixture().at(quotas).to_dict()
    assert read.quotas == QuotaState(3, (8, 8, 8))


@settings(max_examples=60, deadline=None)
@given(step=st.integers(0, 500), later=st.integers(0, 500), steps_of_epoch=st.integers(1, 40))
def test_epochs_follow_one_another_without_a_gap(step, later, steps_of_epoch):
    state = replace(mixture(), steps_of_epoch=steps_of_epoch).at(QuotaState(step, (0, 0, 0)))
    moved = state.at(QuotaState(step + later, (0, 0, 0)))
    assert state.first_step_of(moved.epoch) <= step + later < state.first_step_of(moved.epoch + 1)
    assert moved.first_step_of(moved.epoch) == state.first_step_of(moved.epoch)
    assert moved.first_step_of(moved.epoch + 3) == state.first_step_of(moved.epoch + 3)
    assert moved.steps_left == moved.first_step_of(moved.epoch + 1) - step - later


def test_what_is_over_is_refused():
    state = checkpoint(33)
    with pytest.raises(ValueError, match=r"mixture state: epoch 0 is over, the state is of epoch 1"):
        state.first_step_of(0)
    with pytest.raises(ValueError, match=r"mixture state: step 19 lies before epoch 1, from step 20 on"):
        state.at(QuotaState(19, (0, 0, 0)))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ([], "it is a list, not a dict"),
        (written(version=VERSION + 1), "version=2 is newer than 1, .*update mmpose_mix"),
        (written(version=0), "version=0 must be 1"),
        (written(version=True), "version=True must be 1"),
        (without("delivered"), "delivered is missing"),
        (without("version"), "version is missing"),
        (written(colour="red"), "'colour' is no field"),
        (written(seed="5"), "seed='5' must be an integer"),
        (written(shuffle=1), "shuffle=1 must be true or false"),
        (written(step=-1), "step=-1 must be an integer of at least 0"),
        (written(epoch=1.0), "epoch=1.0 must be an integer of at least 0"),
        (written(batch_size=0), "batch_size=0 must be an integer of at least 1"),
        (written(steps_per_epoch=True), "steps_per_epoch=True must be an integer"),
        (written(ratio=None), "ratio=None must be a string"),
        (written(sources=["a", "a", "b"]), r"sources=\['a', 'a', 'b'\] must be a list of different names"),
        (written(sources=[1, 2, 3]), r"sources=\[1, 2, 3\] must be"),
        (written(sources=[]), r"sources=\[\] must be"),
        (written(lengths=[1, -2, 3]), r"lengths=\[1, -2, 3\] must be a list of integers of at least 0"),
        (written(delivered="40"), "delivered='40' must be a list of integers"),
        (written(delivered=[40, 41]), "delivered has 2 entries for 3 sources"),
        (written(streams=[0, 1, 1]), r"streams=\[0, 1, 1\] has a number twice"),
        (written(lags=["1/3"]), "lags has 1 entries for 3 sources"),
        (written(lags=["1/0", "0", "0"]), r"lags=\['1/0', '0', '0'\] must be a list of fractions as strings"),
        (written(lags=[0.5, 0, 0]), r"lags=\[0.5, 0, 0\] must be a list of fractions"),
        (written(begun=14), "begun=14 is past step=13"),
        (written(step_of_epoch=14), "step_of_epoch=14 is past step=13"),
        (written(steps_of_epoch=13), "step_of_epoch=13 must be below steps_of_epoch=13"),
        (written(seed=None, step="x"), r"seed=None must be an integer; step='x' must be an integer"),
    ],
)
def test_a_state_that_is_none_is_refused(state, words):
    with pytest.raises(ValueError, match=rf"^mixture state: .*{words}.*resume from another one"):
        MixtureState.from_dict(state)


def test_nothing_changed_goes_on_exactly():
    assert carried_over(checkpoint(), mixture()) == (checkpoint(), ())


@pytest.mark.parametrize(
    ("changes", "delivered", "streams", "said"),
    [
        (
            {"ratio": "equal"},
            (40, 41, 23),
            (0, 1, 2),
            (
                "source_ratio is equal instead of size: the new one begins at step 13, and the sources go on where "
                "they are in their passes."
            ),
        ),
        (
            {"sources": ["coco", "jhmdb", "aic", "mpii"]},
            (40, 0, 41, 23),
            (0, 3, 1, 2),
            "Source 'jhmdb' (70 samples) is new: it starts its first pass.",
        ),
        (
            {"sources": ["coco", "mpii"]},
            (40, 23),
            (0, 2),
            "Source 'aic' is gone: its place after 41 draws is dropped.",
        ),
        (
            {"sources": ["mpii", "coco", "aic"]},
            (23, 40, 41),
            (2, 0, 1),
            "The sources stand in another order, mpii, coco, aic instead of coco, aic, mpii: they are matched by name.",
        ),
        (
            {"lengths": [50, 91, 30]},
            (40, 0, 23),
            (0, 1, 2),
            "Source 'aic' has 91 samples instead of 90: it starts anew after 41 draws.",
        ),
        ({"shuffle": False}, (0, 0, 0), (0, 1, 2), "shuffle is False instead of True: all sources start anew."),
    ],
)
def test_a_changed_mixture_follows_the_policy_and_says_so(changes, delivered, streams, said):
    state, sentences = carried_over(checkpoint(), mixture(**changes))
    assert sentences == (said, ANEW)
    assert state.quotas == QuotaState(13, delivered, begun=13)
    assert state.streams == streams
    assert (state.epoch, state.step_of_epoch, state.steps_of_epoch) == (0, 13, 20)
    assert (state.sources, state.lengths) == (mixture(**changes).sources, mixture(**changes).lengths)


def test_with_another_seed_all_sources_start_anew():
    state, said = carried_over(checkpoint(), mixture(seed=9))
    assert said == ("The seed is 9 instead of 5: all sources start anew.", ANEW)
    assert (state.seed, state.quotas) == (9, QuotaState(13, (0, 0, 0), begun=13))


@pytest.mark.parametrize(
    ("changes", "left", "said"),
    [
        (
            {"batch_size": 16, "steps_per_epoch": 10},
            4,
            [
                "A global batch has 16 samples instead of 8.",
                "An epoch has 10 steps instead of 20.",
                "Epoch 0 goes on with the 56 samples that it lacks, in 4 steps of 16; the next one has 10.",
            ],
        ),
        (
            {"steps_per_epoch": 6},
            7,
            [
                "An epoch has 6 steps instead of 20.",
                "Epoch 0 goes on with the 56 samples that it lacks, in 7 steps of 8; the next one has 6.",
            ],
        ),
        (
            {"batch_size": 3, "steps_per_epoch": 20},
            19,
            [
                "A global batch has 3 samples instead of 8.",
                "Epoch 0 goes on with the 56 samples that it lacks, in 19 steps of 3; the next one has 20.",
            ],
        ),
    ],
)
def test_an_epoch_that_has_begun_gets_what_it_lacks_and_the_next_has_the_new_length(changes, left, said):
    state, sentences = carried_over(checkpoint(), mixture(**changes))
    assert sentences == (*said, ANEW)
    assert state.steps_left == left
    assert state.first_step_of(1) == 13 + left
    assert state.first_step_of(2) == 13 + left + changes["steps_per_epoch"]
    assert state.quotas == QuotaState(13, (40, 41, 23), begun=13)


def test_an_epoch_that_has_not_begun_has_the_new_length():
    state, said = carried_over(checkpoint(20), mixture(steps_per_epoch=7))
    assert said[0] == "An epoch has 7 steps instead of 20."
    assert (state.epoch, state.steps_left, state.first_step_of(2)) == (1, 7, 27)


def test_what_goes_on_a_second_time_goes_on_from_what_the_first_time_made_of_it():
    first, _ = carried_over(checkpoint(), mixture(batch_size=16, steps_per_epoch=10))
    later = first.at(QuotaState(14, (45, 47, 28), begun=13))
    assert carried_over(later, mixture(batch_size=16, steps_per_epoch=10)) == (later, ())
    back, _ = carried_over(later, mixture())
    assert (back.step_of_epoch, back.steps_left) == (14, 6)


def test_no_sample_of_a_pass_is_lost_or_doubled_when_sources_move_and_the_ratio_changes():
    """Source 'aic' is drawn before and after; together it is one pass after another."""
    before = MixPlan([50, 90, 30], QuotaSchedule([1, 2, 1], 8), seed=5)
    drawn, quotas = before.block(before.quotas.start(), 13)
    state, _ = carried_over(mixture().at(quotas), mixture(sources=["new", "aic"], batch_size=6))
    after = MixPlan(state.lengths, QuotaSchedule([1, 1], 6), state.seed, state.shuffle, state.streams)
    missing = 90 - quotas.delivered[1]
    more, _ = after.block(state.quotas, 40)
    first_half = drawn.indices[(drawn.indices >= 50) & (drawn.indices < 140)] - 50
    second_half = more.indices[more.indices >= 70][:missing] - 70
    np.testing.assert_array_equal(np.sort([*first_half, *second_half]), np.arange(90))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (([2, 1], ["a", "b"]), ([1, 2], ["b", "a"])),
        (([2, 1], ["a", "b"]), (np.array([0.2, 0.1]), ["a", "b"])),
        (([2, 1], ["a", "b"]), ({"b": 1, "a": 2}, ["a", "b"])),
        (({"temperature": 2}, ["a"]), ({"temperature": 2.0}, ["a"])),
    ],
)
def test_ratios_that_ask_for_the_same_have_one_fingerprint(one, other):
    assert ratio_fingerprint(*one) == ratio_fingerprint(*other)


def test_other_ratios_have_other_fingerprints_and_none_is_long():
    stages = [{"begin": 0, "ratio": [1, 1]}, {"begin": 5, "ratio": [1, 2]}]
    words = ["size", "equal", [1, 1], [1, 2], {"temperature": 2}, {"temperature": 2, "cap": 9}]
    words += [{"by_epoch": by_epoch, "stages": stages[:number]} for by_epoch in (True, False) for number in (1, 2)]
    prints = [ratio_fingerprint(word, ["a", "b"]) for word in words]
    assert len(set(prints)) == len(prints)
    assert max(map(len, prints)) <= 60
