"""Ratios that change over the training: stages, where blocks may begin and end, and the words for them."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import ConfigDict

from mmpose_mix.mixing.allocation import QuotaSchedule, QuotaState, quotas
from mmpose_mix.mixing.schedule import is_schedule, quotas_of

NAMES = ["coco", "aic"]


def stage(begin, ratio, end=None, change=None):
    words = {"begin": begin, "ratio": ratio, "end": end, "change": change}
    return {key: value for key, value in words.items() if value is not None}


def timeline(*stages, batch_size=4, steps_per_epoch=2, by_epoch=True, lengths=(100, 300), names=NAMES):
    return quotas_of({"by_epoch": by_epoch, "stages": list(stages)}, lengths, names, batch_size, steps_per_epoch)


def counts_of(quotas, steps):
    return quotas.block(quotas.start(), steps)[0]


def test_golden_stages():
    by_epoch = timeline(stage(0, "equal"), stage(1, [3, 1]), stage(2, {"coco": 1, "aic": 0}))
    assert counts_of(by_epoch, 6).tolist() == [[2, 2], [2, 2], [3, 1], [3, 1], [4, 0], [4, 0]]
    by_step = timeline(stage(0, "equal"), stage(1, "size"), stage(2, {"coco": 1, "aic": 0}), by_epoch=False)
    assert counts_of(by_step, 4).tolist() == [[2, 2], [1, 3], [4, 0], [4, 0]]


def test_golden_move():
    moving = timeline(stage(0, [1, 0]), stage(1, [0, 1], end=3, change="linear"), stage(5, "equal"))
    expected = [[4, 0]] * 4 + [[2, 2]] * 2 + [[0, 4]] * 4 + [[2, 2]]
    assert counts_of(moving, 11).tolist() == expected
    assert [moving.shares_at(step)[0] for step in (0, 2, 4, 6, 10)] == [1, 1, Fraction(1, 2), 0, Fraction(1, 2)]


def test_a_move_begins_with_the_ratio_of_the_stage_before():
    words = [stage(0, [1, 0]), stage(1, [1, 3]), stage(2, [3, 1], 4, "linear"), stage(4, [0, 1], 6, "linear")]
    moving = timeline(*words, by_epoch=False, batch_size=8)
    assert counts_of(moving, 7).tolist() == [[8, 0], [2, 6], [2, 6], [4, 4], [6, 2], [3, 5], [0, 8]]


def test_a_move_may_end_where_the_next_stage_begins():
    moving = timeline(stage(0, [1, 0]), stage(0 + 1, [0, 1], end=2, change="cosine"), stage(2, "equal"))
    assert counts_of(moving, 6).tolist() == [[4, 0]] * 4 + [[2, 2]] * 2


def test_by_epoch_is_the_default_as_in_mmengine():
    words = {"stages": [stage(0, [1, 0]), stage(1, [0, 1])]}
    assert counts_of(quotas_of(words, [1, 1], NAMES, 1, 3), 4).tolist() == [[1, 0]] * 3 + [[0, 1]]


def test_one_ratio_for_ever_is_a_fixed_schedule():
    fixed = quotas_of({"aic": 1, "coco": 3}, [9, 9], NAMES, 4, 10)
    assert isinstance(fixed, QuotaSchedule)
    assert fixed.shares_at(5) == (Fraction(3, 4), Fraction(1, 4))
    assert fixed.period == 1
    single = timeline(stage(0, [3, 1]))
    assert single.period == 0
    np.testing.assert_array_equal(counts_of(single, 9), counts_of(fixed, 9))


def test_configs_of_mmengine_are_read():
    words = ConfigDict(stages=[{"begin": 0, "ratio": {"coco": 1, "aic": 0}}, {"begin": 1, "ratio": "size"}])
    assert is_schedule(words)
    assert counts_of(quotas_of(words, [1, 1], NAMES, 2, 1), 2).tolist() == [[2, 0], [1, 1]]


def test_a_source_is_drawn_if_any_stage_draws_it():
    names = ["a", "b", "c", "d"]
    mixed = timeline(
        stage(0, [1, 0, 0, 0]),
        stage(2, [0, 1, 0, 0]),
        stage(4, [0, 0, 1, 0], 5, "linear"),
        lengths=[5] * 4,
        names=names,
    )
    assert mixed.drawn == (True, True, True, False)
    assert mixed.num_sources == 4


@st.composite
def timelines(draw):
    sources = draw(st.integers(2, 6))
    ratios = st.lists(
        st.one_of(st.integers(0, 9), st.sampled_from([1, 10**6])), min_size=sources, max_size=sources
    ).filter(any)
    stages = [stage(0, draw(ratios))]
    begin = 0
    for _ in range(draw(st.integers(0, 4))):
        begin += draw(st.integers(1, 5))
        length = draw(st.integers(0, 6))
        change = draw(st.sampled_from(["linear", "cosine"]))
        stages.append(stage(begin, draw(ratios), *((begin + length, change) if length else ())))
        begin += length
    by_epoch = draw(st.booleans())
    steps_per_epoch = draw(st.integers(1, 4))
    made = timeline(
        *stages,
        batch_size=draw(st.one_of(st.integers(1, 20), st.sampled_from([64, 1000]))),
        steps_per_epoch=steps_per_epoch,
        by_epoch=by_epoch,
        lengths=[50] * sources,
        names=[str(i) for i in range(sources)],
    )
    return made, stages, steps_per_epoch if by_epoch else 1


@settings(max_examples=80, deadline=None)
@given(timelines())
def test_every_stage_that_holds_keeps_both_bounds(drawn):
    made, stages, unit = drawn
    counts = counts_of(made, 60)
    assert (counts.sum(axis=1) == made.batch_size).all()
    assert (counts >= 0).all()
    for number, words in enumerate(stages):
        first = words.get("end", words["begin"]) * unit
        last = stages[number + 1]["begin"] * unit if number + 1 < len(stages) else 60
        lag = [Fraction(0)] * made.num_sources
        for step in range(first, min(last, 60)):
            for source, weight in enumerate(words["ratio"]):
                want = made.batch_size * Fraction(weight, sum(words["ratio"]))
                assert made.shares_at(step)[source] * made.batch_size == want
                assert floor(want) <= counts[step, source] <= ceil(want)
                lag[source] += want - int(counts[step, source])
                assert abs(lag[source]) < 1


@settings(max_examples=80, deadline=None)
@given(timelines(), st.lists(st.integers(0, 15), max_size=8), st.integers(0, 50))
def test_blocks_may_begin_and_end_anywhere(drawn, sizes, step):
    made = drawn[0]
    whole, end = made.block(made.start(), 60)
    state, parts = made.start(), []
    for size in [*sizes, 60]:
        part, state = made.block(state, min(size, 60 - state.step))
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert state == end
    sought = made.seek(step)
    rest, state = made.block(sought, 60 - step)
    np.testing.assert_array_equal(rest, whole[step:])
    assert state == end
    assert sought.delivered == tuple(whole[:step].sum(axis=0).tolist())
    for nearest in (made.seek(step // 2), made.seek(step), made.seek(step + 7)):
        assert made.seek(step, nearest) == sought
    assert made.seek(60, sought) == end


@settings(max_examples=80, deadline=None)
@given(timelines(), st.integers(0, 40), st.integers(0, 40))
def test_a_mixture_that_was_changed_goes_on_from_its_step(drawn, begun, more):
    """From a state that began in the middle of a stage the stage begins there; the passes go on where they were."""
    made = drawn[0]
    delivered = tuple(range(100, 100 + made.num_sources))
    counts, end = made.block(QuotaState(begun, delivered, begun), more + 20)
    assert end.delivered == tuple(map(int, delivered + counts.sum(axis=0)))
    middle = made.seek(begun + more, QuotaState(begun, delivered, begun))
    rest, last = made.block(middle, 20)
    np.testing.assert_array_equal(rest, counts[more:])
    assert last == end
    lag = [begun_share * made.batch_size - int(row) for begun_share, row in zip(made.shares_at(begun), counts[0])]
    assert all(abs(part) < 1 for part in lag)


def test_a_stage_in_the_past_does_not_matter_to_a_mixture_that_began_later():
    late = timeline(stage(0, [1, 2]), batch_size=4)
    counts, _ = late.block(QuotaState(1000, (7, 7), 1000), 12)
    np.testing.assert_array_equal(counts, quotas([1, 2], 4, 12))


def test_a_far_step_of_a_stage_that_holds_is_sought_by_whole_periods():
    far = timeline(stage(0, [1, 1]), stage(3, [0.3, 0.7]), batch_size=64)
    assert far.seek(10**12 + 6).delivered == (32 * 6 + 192 * 10**11, 32 * 6 + 448 * 10**11)


def test_a_state_of_another_stage_is_refused():
    changed = timeline(stage(0, [1, 1]), stage(3, [0.3, 0.7]), batch_size=64)
    with pytest.raises(ValueError, match=r"no state of a schedule whose ratio changes at step 6\. .*begun=step"):
        changed.block(QuotaState(8, (256, 256), 0, (Fraction(0), Fraction(0))), 1)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([1, 2], False),
        ("size", False),
        ({"coco": 1, "aic": 2}, False),
        ({"temperature": 2}, False),
        ({"stages": 3, "coco": 1}, False),
        ({"stages": []}, True),
        ({"by_epoch": True}, True),
        ({"by_epoch": False, "stages": [{"begin": 0}]}, True),
    ],
)
def test_schedules_are_told_from_ratios(words, expected):
    assert is_schedule(words) is expected


HELD = stage(0, [1, 1])


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([], r"source_ratio\['stages'\]=\[\] must be a list of at least one stage"),
        ("size", r"source_ratio\['stages'\]='size' must be a list"),
        ([3], r"source_ratio.stages\[0\]=3 must be a dict"),
        ([stage(2, [1, 1])], r"stages\[0\]\['begin'\]=2 must be 0 in the first stage"),
        ([stage(0, [1, 1], 5, "linear")], r"stages\[0\] has no stage before to move from"),
        ([HELD, stage(0, [1, 2])], r"stages\[1\]\['begin'\]=0 must be after the begin=0 of the stage before"),
        ([HELD, stage(4, [1, 2], 4, "linear")], r"stages\[1\]\['end'\]=4 must be after its begin=4"),
        (
            [HELD, stage(1, [1, 2], 5, "cosine"), stage(4, [1, 1])],
            r"stages\[2\]\['begin'\]=4 must not be before the end=5",
        ),
        ([HELD, stage(1, [1, 2], 5)], r"stages\[1\]: a ratio that moves needs both 'end' and 'change'"),
        ([HELD, stage(1, [1, 2], None, "linear")], r"stages\[1\]: a ratio that moves needs both"),
        ([HELD, stage(1, [1, 2], 5, "step")], r"stages\[1\]\['change'\]='step' must be 'linear' or 'cosine'"),
        (
            [HELD, {"begin": 1, "ratio": [1, 2], "weight": 1}],
            r"stages\[1\]\['weight'\] is unknown; allowed are 'begin', 'end'",
        ),
        ([HELD, {"ratio": [1, 2]}], r"stages\[1\] has no 'begin'"),
        ([HELD, {"begin": 3}], r"stages\[1\] has no 'ratio'"),
        ([stage(0.5, [1, 1])], r"stages\[0\]\['begin'\]=0.5 must be an integer of at least 0"),
        ([HELD, stage(True, [1, 1])], r"stages\[1\]\['begin'\]=True must be an integer"),
        ([HELD, stage(-1, [1, 1])], r"stages\[1\]\['begin'\]=-1 must be an integer of at least 0"),
        ([HELD, stage(1, {"coco": 1, "aics": 1})], r"source_ratio.stages\[1\].ratio: no source is called 'aics'"),
        ([HELD, stage(1, [1, "2"])], r"source_ratio.stages\[1\].ratio\[1\]='2': every entry must be"),
    ],
)
def test_wrong_stages_are_refused_with_their_place(stages, message):
    with pytest.raises(ValueError, match=rf"{message}.*A schedule is dict\(by_epoch=True, stages="):
        quotas_of({"stages": stages}, [1, 1], NAMES, 4, 2)


def test_all_findings_stand_in_one_error():
    words = {"by_epoch": 1, "period": 3, "stages": [stage(1, [1, 1]), stage(1, "same", 1, "step"), stage(0, [-1, 1])]}
    with pytest.raises(ValueError, match="source_ratio") as caught:
        quotas_of(words, [1, 1], NAMES, 4, 2, where="train_dataloader.sampler.source_ratio")
    for clause in (
        "train_dataloader.sampler.source_ratio['period'] is unknown; allowed are 'by_epoch', 'stages'",
        "['by_epoch']=1 must be True (count epochs) or False (count iterations)",
        "stages[0]['begin']=1 must be 0",
        "stages[1].ratio='same' is unknown",
        "stages[1]['change']='step'",
        "stages[1]['end']=1 must be after",
        "stages[1]['begin']=1 must be after the begin=1",
        "stages[2]['begin']=0 must be after the begin=1",
        "stages[2].ratio[0]=-1",
    ):
        assert clause in str(caught.value)


def test_an_empty_source_is_refused_in_the_stage_that_draws_it():
    with pytest.raises(ValueError, match=r"stages\[1\].ratio: no samples in 'aic'"):
        quotas_of({"stages": [stage(0, [1, 0]), stage(1, "equal")]}, [5, 0], NAMES, 4, 2)
