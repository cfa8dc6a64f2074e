"""The words for a ratio, and how long an epoch is."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.config import ConfigDict

from mmpose_mix.mixing.ratio import items_per_epoch, ratio_weights, sample_factors

NAMES = ["coco", "aic", "mpii"]
LENGTHS = [400, 100, 0]
TEMPERATURES = st.one_of(st.floats(0.01, 100), st.integers(1, 1000), st.fractions(Fraction(1, 9), 9))


def shares_of(words, lengths=(400, 100, 500), names=NAMES):
    return ratio_weights(words, lengths, names)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([2, 1, 1], (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4))),
        ((0.2, 0.1, 0.1), (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4))),
        (np.array([2.0, 1.0, 1.0]), (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4))),
        (np.array([2, 1, 1], dtype=np.int16), (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4))),
        ({"aic": 1, "coco": 3, "mpii": 0}, (Fraction(3, 4), Fraction(1, 4), Fraction(0))),
        (ConfigDict(aic=1, coco=3, mpii=0), (Fraction(3, 4), Fraction(1, 4), Fraction(0))),
        ("size", (Fraction(2, 5), Fraction(1, 10), Fraction(1, 2))),
        ("equal", (Fraction(1, 3),) * 3),
        ({"temperature": 1}, (Fraction(2, 5), Fraction(1, 10), Fraction(1, 2))),
        ({"temperature": 1, "cap": 100}, (Fraction(1, 3),) * 3),
        ({"temperature": 1.0, "cap": 2e2}, (Fraction(2, 5), Fraction(1, 5), Fraction(2, 5))),
        (ConfigDict(temperature=1, cap=None), (Fraction(2, 5), Fraction(1, 10), Fraction(1, 2))),
    ],
)
def test_golden_shares(words, expected):
    assert shares_of(words) == expected


def test_golden_shares_of_a_temperature():
    """n ** (1 / 2) of 400, 100 and 500, to 6 decimals of the largest: 0.894427, 0.447214, 1."""
    total = 894427 + 447214 + 10**6
    assert shares_of({"temperature": 2}) == tuple(Fraction(part, total) for part in (894427, 447214, 10**6))
    assert shares_of({"temperature": 2, "cap": 400}) == (Fraction(2, 5), Fraction(1, 5), Fraction(2, 5))


@settings(max_examples=80, deadline=None)
@given(
    lengths=st.lists(st.integers(0, 10**8), min_size=1, max_size=64).filter(any),
    temperature=TEMPERATURES,
    cap=st.one_of(st.none(), st.integers(1, 10**7)),
)
def test_a_temperature_weighs_by_the_root_of_the_size(lengths, temperature, cap):
    names = [str(i) for i in range(len(lengths))]
    shares = ratio_weights({"temperature": temperature, "cap": cap}, lengths, names)
    assert sum(shares) == 1
    sizes = [min(length, cap or length) for length in lengths]
    relative = [float(share / max(shares)) for share in shares]
    for size, weight in zip(sizes, relative):
        assert (weight > 0) == (size > 0)
        assert weight == pytest.approx((size / max(sizes)) ** (1 / float(temperature)), abs=1.1e-6)


@pytest.mark.parametrize("temperature", [1e-300, 1e-3])
def test_a_source_with_samples_is_never_rounded_away(temperature):
    assert shares_of({"temperature": temperature}, [10**7, 1, 5])[1:] == (Fraction(1, 10**6 + 2),) * 2


def test_a_huge_temperature_is_equal():
    assert shares_of({"temperature": 10**400}) == (Fraction(1, 3),) * 3


@pytest.mark.parametrize("words", ["size", {"temperature": 1}, {"temperature": 5, "cap": 7}, [1, 1, 0]])
def test_an_empty_source_is_left_out(words):
    shares = ratio_weights(words, LENGTHS, NAMES)
    assert shares[2] == 0
    assert sum(shares) == 1


@pytest.mark.parametrize("words", ["equal", [1, 1, 1], {"coco": 1, "aic": 0, "mpii": 0.1}])
def test_an_empty_source_that_should_be_drawn_is_refused(words):
    with pytest.raises(ValueError, match=r"source_ratio: no samples in 'mpii', .*Set the ratio to 0 or check the data"):
        ratio_weights(words, LENGTHS, NAMES)


@pytest.mark.parametrize("words", ["size", {"temperature": 2}])
def test_sources_that_are_all_empty_are_refused(words):
    with pytest.raises(ValueError, match="all sources are empty"):
        ratio_weights(words, [0, 0, 0], NAMES)


def test_a_source_may_be_called_temperature():
    assert ratio_weights({"temperature": 1, "cap": 3}, [5, 5], ["cap", "temperature"]) == (
        Fraction(3, 4),
        Fraction(1, 4),
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sizes", r"source_ratio='sizes' is unknown \(did you mean 'size'\?\)\. Use 'size', 'equal', one number"),
        ("proportional", r"source_ratio='proportional' is unknown\. Use 'size', 'equal'"),
        ([1, 1], r"2 entries for 3 sources \('coco', 'aic', 'mpii'\)\. Give one number a source, 0 to leave it out"),
        ([1, -1, float("nan")], r"source_ratio\[1\]=-1, source_ratio\[2\]=nan: every entry must be finite"),
        ({"coco": 1, "aic": -1, "mpii": -2}, r"\['aic'\]=-1, source_ratio\['mpii'\]=-2: every entry must be finite"),
        (
            {"coco": 1, "aic": 2},
            r"source_ratio: 'mpii': no entry; use 0 to leave it out. The sources are 'coco', 'aic'",
        ),
        ({"coco": 1, "aics": 2, "mpii": 1}, r"no source is called 'aics' \(did you mean 'aic'\?\); 'aic': no entry"),
        ({"temprature": 2}, r"no source is called 'temprature' \(did you mean 'temperature'\?\)"),
        ({}, r"'coco', 'aic', 'mpii': no entry"),
        ({"coco": 0, "aic": 0, "mpii": 0}, r"has no positive entry"),
        ({"temperature": 0}, r"source_ratio\['temperature'\]=0 must be a finite number above 0"),
        ({"temperature": "2"}, r"source_ratio\['temperature'\]='2' must be a finite number above 0"),
        ({"temperature": None}, r"source_ratio\['temperature'\]=None must be a finite number"),
        ({"temperature": True}, r"source_ratio\['temperature'\]=True must be a finite number"),
        ({"temperature": float("inf")}, r"source_ratio\['temperature'\]=inf must be a finite number"),
        (
            {"temperature": -1, "cap": 0, "limit": 3},
            r"\['limit'\] is unknown; .*\['temperature'\]=-1 must .*\['cap'\]=0 must be a finite number of",
        ),
        ({"cap": 5}, r"has a cap but no temperature: give temperature=1"),
        ({"coco": 1, "temperature": 1}, r"source_ratio\['coco'\] is unknown.*Allowed is dict\(temperature=T, cap=N\)"),
    ],
)
def test_wrong_words_are_refused_with_what_is_allowed(words, message):
    with pytest.raises(ValueError, match=message):
        shares_of(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (3, r"source_ratio=3 is of type int\. Use 'size', 'equal'"),
        (None, r"source_ratio=None is of type NoneType"),
        ({1, 2, 3}, r"is of type set"),
        (np.ones((3, 1)), r"is of type ndarray"),
        ([1, "1", None], r"source_ratio\[1\]='1', source_ratio\[2\]=None: every entry must be an int, a float"),
        ({"coco": 1, "aic": "2", "mpii": 1}, r"source_ratio\['aic'\]='2': every entry"),
        (
            {0: 1, "aic": 1, 2: 1},
            r"source_ratio\[0\], source_ratio\[2\]: the keys must be names .*'coco', 'aic', 'mpii'",
        ),
    ],
)
def test_words_of_the_wrong_type_are_refused(words, message):
    with pytest.raises(TypeError, match=message):
        shares_of(words)


def test_an_error_says_which_argument():
    with pytest.raises(ValueError, match=r"^source_ratio.stages\[2\].ratio='same' is unknown"):
        ratio_weights("same", [1, 1, 1], NAMES, where="source_ratio.stages[2].ratio")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([1.0, 0.3, 0], (1, Fraction(3, 10), 0)),
        ({"coco": 1, "mpii": 2.5, "aic": 0}, (1, 0, Fraction(5, 2))),
        ("size", (1, 1, 1)),
        ({"temperature": 1}, (1, 1, 1)),
        ("equal", (Fraction(1000, 1200), Fraction(1000, 300), Fraction(1000, 1500))),
        ({"temperature": 1, "cap": 100}, (Fraction(1000, 1200), Fraction(1000, 300), Fraction(1000, 1500))),
    ],
)
def test_golden_factors(words, expected):
    assert sample_factors(words, [400, 100, 500], NAMES) == expected


def test_factors_may_leave_an_empty_source_out():
    assert sample_factors("size", LENGTHS, NAMES) == (1, 1, 1)
    assert sample_factors([0, 0, 0], LENGTHS, NAMES) == (0, 0, 0)
    assert sample_factors({"temperature": 2}, LENGTHS, NAMES) == (Fraction(500 * 2, 3 * 400), Fraction(500, 3 * 100), 0)
    with pytest.raises(ValueError, match="sample_ratio_factor: no samples in 'mpii'"):
        sample_factors("equal", LENGTHS, NAMES)


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ([1, 1], ValueError, r"2 entries for 3 sources .*1 to keep it as it is or 0 to leave it out"),
        ({"coco": 1, "aic": 1}, ValueError, r"'mpii': no entry; use 1 to keep it as it is or 0 to leave it out"),
        ([1, -1, 1], ValueError, r"sample_ratio_factor\[1\]=-1: every entry must be finite"),
        ("same", ValueError, r"sample_ratio_factor='same' is unknown"),
        (0.5, TypeError, r"sample_ratio_factor=0.5 is of type float"),
    ],
)
def test_wrong_factors_are_refused(words, error, message):
    with pytest.raises(error, match=message):
        sample_factors(words, [400, 100, 500], NAMES)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("sum", 430), ("shortest", 60), ("longest", 800), (7, 7), (np.int64(9), 9)],
)
def test_golden_epochs(word, expected):
    """Shares 1/2, 1/2 and 0 of 400, 30 and no items: a pass of the second is over after 60 items, of the first 800."""
    assert items_per_epoch(word, [400, 30, 0], (Fraction(1, 2), Fraction(1, 2), Fraction(0))) == expected


@settings(max_examples=60, deadline=None)
@given(parts=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 50)), min_size=1, max_size=6))
def test_an_epoch_ends_when_the_first_or_the_last_pass_does(parts):
    weights, lengths = zip(*parts)
    shares = tuple(Fraction(weight, sum(weights)) for weight in weights)
    for word, finished in (("shortest", any), ("longest", all)):
        size = next(n for n in range(10**6) if finished(n * share >= length for share, length in zip(shares, lengths)))
        assert items_per_epoch(word, lengths, shares) == ceil(size)


@pytest.mark.parametrize(
    ("word", "error", "message"),
    [
        ("short", ValueError, r"epoch_length='short' is unknown \(did you mean 'shortest'\?\)\. Use 'sum', 'shortest'"),
        (0, ValueError, r"epoch_length=0 would leave an epoch empty"),
        (2.5, TypeError, r"epoch_length=2.5 is of type float. Use 'sum'"),
        (True, TypeError, r"epoch_length=True is of type bool"),
        (None, TypeError, r"epoch_length=None is of type NoneType"),
    ],
)
def test_wrong_epochs_are_refused(word, error, message):
    with pytest.raises(error, match=message):
        items_per_epoch(word, [4], (Fraction(1),))
