"""DrawIndex: an int with marks that survive wrappers, copies and queues."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import ConcatDataset

from mmpose_mix.datasets.drawn_index import DrawIndex, draw_indices

INDICES = st.integers(-(2**70), 2**70)
MARKS = st.none() | st.integers(0, 2**64 - 1)


def marks_of(index) -> tuple:
    return type(index), int(index), index.key, index.pass_number


def test_it_is_its_int():
    index = DrawIndex(3, key=5, pass_number=1)
    assert index == 3
    assert hash(index) == hash(3)
    assert {3: "found"}[index] == "found"
    assert "abcd"[index] == "d"
    assert np.arange(4)[index] == 3
    assert f"{index}" == repr(index) == json.dumps(index) == "3"


def test_without_marks_it_says_that_nothing_is_known():
    assert marks_of(DrawIndex(3)) == (DrawIndex, 3, None, None)


@given(value=INDICES, key=MARKS, number=MARKS, other=st.integers(1, 10**6), kind=st.sampled_from([int, np.int64]))
def test_the_arithmetic_of_wrappers_keeps_the_marks(value, key, number, other, kind):
    index = DrawIndex(value, key, number)
    assert marks_of(index % kind(other)) == (DrawIndex, value % other, key, number)
    assert marks_of(index - kind(other)) == (DrawIndex, value - other, key, number)
    assert marks_of(index + kind(other)) == (DrawIndex, value + other, key, number)
    assert marks_of(other + index) == (DrawIndex, value + other, key, number)


def test_other_arithmetic_gives_what_ints_give():
    index = DrawIndex(7, key=5)
    for result, kind in [(index * 2, int), (10 - index, int), (index // 2, int), (index + 0.5, float), (-index, int)]:
        assert type(result) is kind
    assert (index + np.array([1, 2])).tolist() == [8, 9]
    with pytest.raises(TypeError, match="unsupported operand"):
        index + "1"


class Marks:
    """Sixteen items that show the index they are asked for."""

    metainfo: dict = {}

    def __len__(self) -> int:
        return 16

    def __getitem__(self, index: int) -> tuple:
        return marks_of(index)


@pytest.mark.parametrize("value", [37, -11])
def test_the_marks_go_through_wrappers(value):
    chained = ConcatDataset([Marks(), Marks(), Marks()])
    assert chained[DrawIndex(value, 5, 2)] == (DrawIndex, 5, 5, 2)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_every_protocol_keep_it(protocol):
    index = DrawIndex(-3, key=2**64 - 1, pass_number=4)
    assert marks_of(pickle.loads(pickle.dumps(index, protocol))) == marks_of(index)


def test_a_batch_of_them_is_small_in_a_queue():
    batch = draw_indices(list(range(10**6, 10**6 + 64)), [2**64 - 1 - place for place in range(64)], [3] * 64)
    assert len(pickle.dumps(batch, pickle.HIGHEST_PROTOCOL)) < 64 * 32


def test_copies_keep_it():
    index = DrawIndex(3, key=5, pass_number=1)
    for other in (copy.copy(index), copy.deepcopy(index), copy.deepcopy([index])[0]):
        assert marks_of(other) == marks_of(index)


def test_many_are_made_of_parallel_lists():
    made = draw_indices([4, 2], keys=[7, 8], passes=[0, 1])
    assert [marks_of(index) for index in made] == [(DrawIndex, 4, 7, 0), (DrawIndex, 2, 8, 1)]
    assert [marks_of(index) for index in draw_indices([4])] == [(DrawIndex, 4, None, None)]
    assert draw_indices([]) == []


def test_lists_that_are_not_parallel_are_refused():
    with pytest.raises(ValueError, match=r"3 indices, but {'keys': 3, 'passes': 2}. Give one key and one pass for"):
        draw_indices([1, 2, 3], keys=[1, 2, 3], passes=[1, 2])
