"""The check over random mixtures: it passes on ours, and it finds what is wrong."""

from __future__ import annotations

import random
import sys

import numpy as np
import pytest

from benchmarks import mixing_properties
from benchmarks.mixing_properties import Mixture, Stage, Tally, check_passes, check_quotas, random_mixture

HELD = Mixture([Stage(0, [3, 1, 0], [3, 1, 0])], lengths=[4, 4, 4], batch_size=2, steps=4, seed=0)


def violated(tally: Tally) -> set[str]:
    return {line.split(": ", 1)[1] for line in tally.violations}


def test_forty_mixtures_keep_every_promise(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["mixing_properties", "--mixtures", "40", "--seed", "1"])
    assert mixing_properties.main() == 0
    printed = capsys.readouterr().out
    assert "40 mixtures, seed 1" in printed
    assert "violations: 0" in printed
    assert "| draws without a repeat in their pass |" in printed


def test_a_violation_is_named_and_ends_with_code_1(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["mixing_properties", "--mixtures", "1", "--first", "7"])
    monkeypatch.setattr(mixing_properties, "check_mixture", lambda tally, rng: tally.check("promises", False))
    assert mixing_properties.main() == 1
    assert "violations: 1\n  mixture 7: promises" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[2, 0, 0], [1, 1, 0], [2, 0, 0], [1, 1, 0]], set()),
        ([[1, 1, 0], [1, 1, 0], [2, 0, 0], [2, 0, 0]], {"prefixes within one sample"}),
        ([[1, 1, 0], [2, 0, 0], [2, 1, 0], [1, 1, 0]], {"batches that hold exactly B samples"}),
        (
            [[2, 0, 0], [0, 2, 0], [2, 0, 0], [2, 0, 0]],
            {"quotas that are floor or ceil of the share", "prefixes within one sample"},
        ),
        (
            [[2, 0, 0], [1, 0, 1], [2, 0, 0], [1, 1, 0]],
            {
                "sources of share 0 that are not drawn",
                "quotas that are floor or ceil of the share",
                "prefixes within one sample",
            },
        ),
    ],
)
def test_wrong_quotas_are_found(counts, expected):
    tally = Tally()
    check_quotas(tally, HELD, HELD.quotas(), np.array(counts))
    if "batches that hold exactly B samples" in expected:
        assert expected <= violated(tally)
    else:
        assert violated(tally) == expected


@pytest.mark.parametrize(
    ("indices", "expected"),
    [
        ([[0, 4], [2, 1], [3, 0], [5, 7]], set()),
        ([[0, 4], [2, 0], [3, 1], [5, 7]], {"draws without a repeat in their pass"}),
        ([[0, 1], [2, 4], [3, 0], [5, 7]], {"batches whose draws are their quotas"}),
    ],
)
def test_wrong_draws_are_found(indices, expected):
    tally = Tally()
    check_passes(tally, HELD, np.array(indices), np.array([[1, 1, 0], [2, 0, 0], [2, 0, 0], [0, 2, 0]]))
    assert violated(tally) == expected


def test_random_mixtures_reach_the_ends_of_the_range():
    mixtures = [random_mixture(random.Random(number)) for number in range(3000)]
    sources = {len(mixture.lengths) for mixture in mixtures}
    sizes = {mixture.batch_size for mixture in mixtures}
    weights = {weight for mixture in mixtures for stage in mixture.stages for weight in stage.weights}
    assert (min(sources), max(sources)) == (2, 64)
    assert (min(sizes), max(sizes)) == (1, 65536)
    assert {0, 1, 10**6} <= weights
    assert {stage.change for mixture in mixtures for stage in mixture.stages} == {None, "linear", "cosine"}
