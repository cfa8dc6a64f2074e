"""What fixed places in a batch cost: the rules, and what is printed."""

from __future__ import annotations

import sys
from fractions import Fraction

import numpy as np
import pytest

from benchmarks import mixing_bias
from benchmarks.mixing_bias import PARTS, RULES, SETTINGS, STREAMS

RATIO = np.array([1000, 2600, 5700, 700])


@pytest.mark.parametrize(
    ("rule", "delivered", "variation"),
    [
        (mixing_bias.rest_to_first, [3, 2, 5, 0], Fraction(20, 100)),
        (mixing_bias.rest_to_largest, [1, 2, 7, 0], Fraction(13, 100)),
        (mixing_bias.largest_remainder, [1, 2, 6, 1], Fraction(6, 100)),
        (mixing_bias.exact, [1000, 2600, 5700, 700], Fraction(0)),
    ],
)
def test_rules_deliver_what_can_be_worked_out_by_hand(rule, delivered, variation):
    """Rounded down, ten places hold 1, 2, 5 and 0 samples, and two places are left over."""
    counts = rule(RATIO, 10)
    assert counts.tolist() == delivered
    assert mixing_bias.total_variation(counts, RATIO) == variation


@pytest.mark.parametrize("sources", [2, 4, 14])
def test_random_ratios_are_positive_and_sum_to_the_whole(sources):
    ratios = mixing_bias.random_ratios(50, sources)
    assert all(ratio.shape == (sources,) and ratio.min() > 0 and ratio.sum() == PARTS for ratio in ratios)
    assert len({tuple(ratio) for ratio in ratios}) == 50


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize(("sources", "batch_size"), SETTINGS)
def test_every_rule_fills_its_batches(rule, sources, batch_size):
    for ratio in mixing_bias.random_ratios(5, sources, seed=2):
        assert rule(ratio, batch_size).sum() % batch_size == 0


def test_tijdemans_rule_keeps_its_bound():
    ratios = mixing_bias.random_ratios(3, 8, seed=2)
    errors = mixing_bias.prefix_errors(mixing_bias.chairman_stream, ratios, 2000)
    assert max(errors) <= 1 - 1 / 14


def test_a_sampler_that_delivers_something_else_than_its_rule_is_an_error(monkeypatch):
    monkeypatch.setattr(mixing_bias, "exact", mixing_bias.largest_remainder)
    with pytest.raises(RuntimeError, match=r"mmpose_mix's sampler delivered \[.*\], its rule \["):
        mixing_bias.samplers_agree(mixing_bias.random_ratios(5, 4), 32, mixtures=1)


def test_the_printed_tables_say_that_ours_has_no_bias(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["mixing_bias", "--mixtures", "4", "--samples", "100"])
    mixing_bias.main()
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    shares, exactness, prefixes = rows[:6], rows[6:12], rows[12:]
    assert shares[0] == ["sources, batch", *RULES]
    assert [row[-1] for row in shares[2:]] == ["0, 0, never"] * len(SETTINGS)
    assert all("%" in cell for row in shares[2:] for cell in row[1:-1])
    assert all(float(cell) < 1 for row in exactness[2:] for cell in row[1:])
    assert [row[0] for row in prefixes[2:]] == list(STREAMS)
    assert float(prefixes[-1][1]) < 1 < float(prefixes[2][1])
