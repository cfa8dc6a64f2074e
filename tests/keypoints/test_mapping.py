from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmpose_mix.keypoints.mapping import KeypointMapping, PointRule


def _sample(num_keypoints, num_instances=1, dims=2, seed=0):
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(1, 99, (num_instances, num_keypoints, dims)).astype(np.float32)
    visible = rng.integers(0, 2, (num_instances, num_keypoints)).astype(np.float32)
    return keypoints, visible


def test_one_to_one_copies_place_and_visibility():
    keypoints = np.array([[[1, 2], [3, 4], [5, 6]]], dtype=np.float32)
    placed, marks = KeypointMapping(4, [(0, 2), (2, 1)]).apply(keypoints, np.array([[1, 1, 0]]))
    assert placed.tolist() == [[[0, 0], [5, 6], [1, 2], [0, 0]]]
    assert marks.tolist() == [[[0, 0], [0, 1], [1, 1], [0, 0]]]


def test_a_midpoint_lies_between_its_sources():
    keypoints = np.array([[[0, 0], [4, 2], [8, 8]]], dtype=np.float32)
    placed, marks = KeypointMapping(2, [((0, 1), 0), ((0, 1, 2), 1)]).apply(keypoints, np.ones((1, 3)))
    np.testing.assert_allclose(placed, [[[2, 1], [4, 10 / 3]]], rtol=1e-6)
    assert marks.tolist() == [[[1, 1], [1, 1]]]


def test_explicit_weights_place_a_point_between_or_beyond_its_sources():
    keypoints = np.array([[[0, 0], [4, 8]]], dtype=np.float32)
    mapping = KeypointMapping(2, [((0, 1), 0, (0.25, 0.75)), ((0, 1), 1, (-1, 2))])
    placed, _ = mapping.apply(keypoints, np.ones((1, 2)))
    assert placed.tolist() == [[[3, 6], [8, 16]]]


def test_a_point_of_fewer_sources_is_not_disturbed_by_one_of_more():
    keypoints = np.array([[[2, 4], [6, 8], [100, 100]]], dtype=np.float32)
    placed, marks = KeypointMapping(2, [((0, 1), 0), ((0, 1, 2), 1)]).apply(keypoints, np.array([[1, 1, 0]]))
    assert placed.tolist() == [[[4, 6], [0, 0]]]
    assert marks.tolist() == [[[1, 1], [0, 1]]]


@pytest.mark.parametrize("num_instances", [0, 1, 3])
@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("pairs", [[], [(1, 0)], [((0, 1), 1), (2, 0)]])
def test_shapes_and_types_of_any_number_of_instances(num_instances, dims, pairs):
    keypoints, visible = _sample(4, num_instances, dims)
    placed, marks = KeypointMapping(5, pairs).apply(keypoints.astype(np.float64), visible.astype(np.int64))
    assert placed.shape == (num_instances, 5, dims)
    assert marks.shape == (num_instances, 5, 2)
    assert placed.dtype == marks.dtype == np.float32


def test_coordinates_not_labelled_are_zero_whatever_the_source_holds():
    placed, marks = KeypointMapping(2, [(1, 1)]).apply([[[np.nan, np.inf], [1, 2]]], [[1, 1]])
    assert placed.tolist() == [[[0, 0], [1, 2]]]
    assert marks.tolist() == [[[0, 0], [1, 1]]]


def test_a_midpoint_with_an_end_out_of_sight_has_no_place():
    """Reference row 3B-5: such a point must not be averaged with (0, 0)."""
    keypoints = np.array([[[10, 10], [0, 0]]], dtype=np.float32)
    placed, marks = KeypointMapping(1, [((0, 1), 0)]).apply(keypoints, np.array([[1, 0]]))
    assert placed.tolist() == [[[0, 0]]]
    assert marks.tolist() == [[[0, 1]]]


def test_a_midpoint_with_an_end_not_labelled_is_not_labelled():
    """Reference row 3B-5: the label weight follows the ends."""
    marks = np.array([[[1, 1], [0, 0]]], dtype=np.float32)
    _, out = KeypointMapping(1, [((0, 1), 0)]).apply(np.ones((1, 2, 2)), marks)
    assert out.tolist() == [[[0, 0]]]


def test_fractional_visibilities_do_not_shrink():
    """Reference row 3B-5: the least visibility, not the product."""
    _, marks = KeypointMapping(1, [((0, 1), 0)]).apply(np.ones((1, 2, 2)), np.array([[0.5, 0.75]]))
    assert marks.tolist() == [[[0.5, 1]]]


def test_the_label_weight_survives_a_second_mapping():
    """Reference row 3B-3."""
    keypoints, visible = _sample(2)
    first = KeypointMapping(3, [(0, 0), (1, 1)])
    second = KeypointMapping(3, [(0, 2), (1, 1), (2, 0)])
    _, marks = second.apply(*first.apply(keypoints, visible))
    assert marks[0, :, 1].tolist() == [0, 1, 1]


def test_labelled_tells_which_targets_have_a_pair():
    assert KeypointMapping(4, [(0, 2), ((0, 1), 1)]).labelled.tolist() == [False, True, True, False]
    assert KeypointMapping(2, []).labelled.tolist() == [False, False]


def test_flip_indices_of_a_copied_keypoint_set():
    """Reference row 3B-2: K indices of the target, not Ks of the source."""
    aic = [3, 4, 5, 0, 1, 2, 9, 10, 11, 6, 7, 8, 12, 13]
    pairs = [(0, 6), (1, 8), (2, 10), (3, 5), (4, 7), (5, 9), (6, 12), (7, 14), (8, 16), (9, 11), (10, 13), (11, 15)]
    flip = KeypointMapping(17, pairs).flip_indices(aic)
    assert flip == [0, 1, 2, 3, 4, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]


def test_flip_indices_with_a_midpoint():
    """Reference row 3B-2: MMPose gives [0, 3, 2, 3] and changes the caller's list."""
    source = [1, 0, 2, 3]
    assert KeypointMapping(4, [(0, 0), (1, 1), ((0, 1), 2), (3, 3)]).flip_indices(source) == [1, 0, 2, 3]
    assert source == [1, 0, 2, 3]


@pytest.mark.parametrize(
    ("pairs", "flip"),
    [
        ([((0, 2), 0), ((1, 2), 1)], [1, 0, 2]),
        ([((0, 2), 0, (0.25, 0.75)), ((2, 1), 1, (0.75, 0.25))], [1, 0, 2]),
        ([((0, 2), 0, (0.25, 0.75)), ((1, 2), 1, (0.75, 0.25))], [0, 1, 2]),
        ([(0, 2)], [0, 1, 2]),
        ([(0, 0), (0, 1), (1, 2)], [2, 1, 0]),
    ],
    ids=["partners", "same weights", "other weights", "partner without a pair", "one source twice"],
)
def test_the_partner_is_the_target_of_the_exchanged_sources(pairs, flip):
    assert KeypointMapping(3, pairs).flip_indices([1, 0, 2]) == flip


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (((3,), 0), (3, 0)),
        ([np.int64(3), np.int32(0)], (3, 0)),
        ([[1, 2], 0], ((1, 2), 0)),
        (((1, 2), 0, [0.5, 0.5]), ((1, 2), 0)),
        (((1, 2), 0, (0.25, 0.75)), ((1, 2), 0, (0.25, 0.75))),
    ],
)
def test_equal_mappings_are_equal_however_written(given, kept):
    mapping = KeypointMapping(1, [given])
    assert mapping.pairs == (kept,)
    assert mapping == KeypointMapping(1, [kept])
    assert hash(mapping) == hash(KeypointMapping(1, [kept]))
    assert repr(mapping) == f"KeypointMapping(num_keypoints=1, pairs=({kept!r},))"


def test_a_mapping_survives_pickling():
    mapping = pickle.loads(pickle.dumps(KeypointMapping(3, [((0, 1), 2), (1, 0)])))
    keypoints, visible = _sample(2)
    for one, other in zip(
        mapping.apply(keypoints, visible), KeypointMapping(3, mapping.pairs).apply(keypoints, visible)
    ):
        np.testing.assert_array_equal(one, other)


one_to_one = st.integers(1, 6).flatmap(
    lambda k: st.tuples(st.just(k), st.permutations(range(k)), st.integers(0, k), st.integers(0, 99))
)


@given(one_to_one)
def test_a_mapping_and_its_inverse_give_the_source_back(drawn):
    k, order, kept, seed = drawn
    pairs = list(enumerate(order))[:kept]
    keypoints, visible = _sample(k, 2, seed=seed)
    there = KeypointMapping(k, pairs)
    back = KeypointMapping(k, [(target, source) for source, target in pairs])
    placed, marks = back.apply(*there.apply(keypoints, visible))
    np.testing.assert_array_equal(placed[:, :kept], keypoints[:, :kept])
    np.testing.assert_array_equal(marks[:, :kept, 0], visible[:, :kept])
    np.testing.assert_array_equal(back.labelled, np.arange(k) < kept)
    assert not placed[:, kept:].any()
    assert not marks[:, kept:].any()


@st.composite
def mappings(draw, num_sources=6, num_targets=5):
    """Any mapping from 6 keypoints to 5, with points of one to three sources."""
    targets = draw(st.lists(st.integers(0, num_targets - 1), unique=True))
    some = st.lists(st.integers(0, num_sources - 1), min_size=1, max_size=3, unique=True)
    return KeypointMapping(num_targets, [(tuple(draw(some)), target) for target in targets])


@given(mappings(), st.integers(0, 99))
def test_targets_follow_their_definition_one_by_one(mapping, seed):
    keypoints, visible = _sample(6, 2, seed=seed)
    placed, marks = mapping.apply(keypoints, visible)
    for sources, target, *_ in mapping.pairs:
        several = list(sources) if isinstance(sources, tuple) else [sources]
        seen = visible[:, several].min(axis=1)
        mean = keypoints[:, several].mean(axis=1)
        np.testing.assert_array_equal(marks[:, target, 0], seen)
        place = mean if len(several) == 1 else mean * seen[:, None]
        np.testing.assert_allclose(placed[:, target], place, rtol=1e-5)
    np.testing.assert_array_equal(marks[..., 1], np.tile(mapping.labelled, (2, 1)))


@given(mappings(), one_to_one, st.integers(0, 99))
def test_chained_mappings_equal_the_composed_one(first, second, seed):
    k, order, kept, _ = second
    pairs = [(source, target) for source, target in enumerate(order) if source < min(kept, 5)]
    given_by = {pair[1]: pair for pair in first.pairs}
    composed = [(given_by[s][0], t, *given_by[s][2:]) for s, t in pairs if s in given_by]
    keypoints, visible = _sample(6, 2, seed=seed)
    chained = KeypointMapping(k, pairs).apply(*first.apply(keypoints, visible))
    for one, other in zip(chained, KeypointMapping(k, composed).apply(keypoints, visible)):
        np.testing.assert_array_equal(one, other)


@st.composite
def symmetric_mappings(draw):
    """A mapping that holds, with each pair, its mirror image; sources 0-1 and 2-3 are partners, 4 has none."""
    flip, pairs, target = [1, 0, 3, 2, 4], [], 0
    for _ in range(draw(st.integers(0, 3))):
        sources = tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True)))
        mirrored = tuple(flip[source] for source in sources)
        for new in [sources] if set(sources) == set(mirrored) else [sources, mirrored]:
            pairs.append((new, target))
            target += 1
    return flip, KeypointMapping(target + 1, pairs)


@given(symmetric_mappings(), st.integers(0, 99))
def test_mirroring_before_a_mapping_equals_mirroring_after_it(drawn, seed):
    source_flip, mapping = drawn
    keypoints, visible = _sample(5, 2, seed=seed)
    flip = mapping.flip_indices(source_flip)

    def mirrored(points, marks, indices):
        points = points[:, indices] * np.float32([-1, 1])
        return points, marks[:, indices]

    before = mapping.apply(*mirrored(keypoints, visible, source_flip))
    after = mirrored(*mapping.apply(keypoints, visible), flip)
    for one, other in zip(before, after):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    assert [flip[i] for i in flip] == list(range(mapping.num_keypoints))


@given(mappings(), st.booleans())
def test_the_input_is_never_changed_nor_handed_on(mapping, chained):
    keypoints, visible = _sample(6, 2)
    if chained:
        visible = np.stack([visible, visible], axis=2)
    before = keypoints.copy(), visible.copy()
    keypoints.setflags(write=False)
    visible.setflags(write=False)
    placed, marks = mapping.apply(keypoints, visible)
    placed += 1
    marks += 1
    np.testing.assert_array_equal(keypoints, before[0])
    np.testing.assert_array_equal(visible, before[1])


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ((0, 3), r"pair 0 is \(0, 3\): target 3 is no id; num_keypoints=3 allows 0..2"),
        ((0, -1), "target -1 is no id"),
        ((0, "1"), "target '1' is no id"),
        ((0, (1,)), r"target \(1,\) is no id"),
        ((-1, 0), "source -1 is no id; give integers of at least 0"),
        ((1.0, 0), "source 1.0 is no id"),
        ((True, 0), "source True is no id"),
        (((0, "nose", -2), 0), "source 'nose', -2 is no id"),
        (((), 0), "no source is given; leave the pair out"),
        (((1, 1), 0), "a source is given twice"),
        ((0, 1, 2, 3), r"give \(source, target\)"),
        (5, "pair 0 is 5: give"),
        ((0, 1, (1.0,)), "weights belong to several sources"),
        (((0, 1), 1, (1.0,)), "weights must be 2 numbers, one per source"),
        (((0, 1), 1, 0.5), "weights must be 2 numbers"),
        (((0, 1), 1, ("a", "b")), "weights must be numbers"),
        (((0, 1), 1, (0.5, 0.6)), "weights sum to 1.1; they must sum to 1"),
        (((0, 1), 1, (float("nan"), 0.5)), "weights sum to nan"),
    ],
)
def test_a_pair_that_cannot_be_used_is_refused_when_built(pair, words):
    """Reference row 3B-4: nothing wraps round, nothing waits for the first sample."""
    with pytest.raises(ValueError, match=words):
        KeypointMapping(3, [pair])


def test_a_target_given_twice_is_refused_when_built():
    """Reference row 3B-4."""
    with pytest.raises(ValueError, match=r"pair 2 is \(2, 1\): target 1 is already given by pair 0; keep one"):
        KeypointMapping(3, [(0, 1), (1, 2), (2, 1)])


def test_all_wrong_pairs_stand_in_one_error():
    with pytest.raises(ValueError, match="these pairs cannot be used") as error:
        KeypointMapping(2, [(-1, 2), (0, 0), (1, 0), "ab", ((0, 1), 1, (0, 0))])
    assert str(error.value).count("\n  - ") == 5


@pytest.mark.parametrize("num_keypoints", [0, -1, 17.0, "17", None, True])
def test_a_number_of_keypoints_that_is_none_is_refused(num_keypoints):
    with pytest.raises(ValueError, match="give an integer of at least 1"):
        KeypointMapping(num_keypoints, [])


@pytest.mark.parametrize("pairs", [None, 3, "01"])
def test_pairs_that_are_no_list_are_refused(pairs):
    with pytest.raises(ValueError, match="give a list of"):
        KeypointMapping(2, pairs)


def test_a_source_with_too_few_keypoints_is_refused_with_the_pairs():
    mapping = KeypointMapping(3, [(0, 0), (12, 1), ((0, 13), 2)])
    assert mapping.num_source_keypoints_at_least == 14
    mapping.check_source(14)
    words = r"has 12 keypoints, ids 0..11, but these pairs read beyond them: \(12, 1\), \(\(0, 13\), 2\)\. Change"
    for use in (
        lambda: mapping.check_source(12),
        lambda: mapping.apply(np.zeros((1, 12, 2)), np.zeros((1, 12))),
        lambda: mapping.flip_indices(range(12)),
    ):
        with pytest.raises(ValueError, match=words):
            use()


@pytest.mark.parametrize(
    ("keypoints", "visible", "words"),
    [
        ((4, 2), (4,), r"keypoints must have shape \(N, Ks, 2\) or \(N, Ks, 3\), got \(4, 2\)"),
        ((1, 4, 4), (1, 4), r"got \(1, 4, 4\)"),
        ((1, 4, 2), (1, 3), r"visible must have shape \(1, 4\) or \(1, 4, 2\) .* got \(1, 3\)"),
        ((1, 4, 2), (1, 4, 3), r"got \(1, 4, 3\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(keypoints, visible, words):
    with pytest.raises(ValueError, match=words):
        KeypointMapping(2, [(0, 0)]).apply(np.zeros(keypoints), np.zeros(visible))


THREE_ENDS = [((0, 1, 2), 0, (0.5, 0.25, 0.25)), (0, 1)]


@pytest.mark.parametrize(
    ("rule", "marks", "place"),
    [
        (PointRule(), [0, 1], [0, 0]),
        (PointRule("all", "all"), [0, 1], [0, 0]),
        (PointRule("any", "min"), [1, 1], [4, 4]),
        (PointRule("min", "any"), [0, 1], [0, 0]),
    ],
)
def test_a_rule_says_what_an_end_out_of_sight_does(rule, marks, place):
    """Ends at 2, 8 and (unknown) 0: without the last one the weights are 2/3 and 1/3."""
    points = np.float32([[[2, 2], [8, 8], [0, 0]]])
    placed, found = KeypointMapping(2, THREE_ENDS, {0: rule}).apply(points, np.float32([[1, 1, 0]]))
    assert found[0, 0].tolist() == marks
    np.testing.assert_allclose(placed[0, 0], place, rtol=1e-6)
    assert placed[0, 1].tolist() == [2, 2]


def test_rules_of_fractions_and_of_ends_that_are_not_labelled():
    marks = np.float32([[[0.5, 0.5], [0.25, 1], [0, 0]]])
    points = np.float32([[[2, 2], [8, 8], [np.nan, np.nan]]])
    pairs = [((0, 1), target) for target in range(3)] + [((1, 2), target) for target in range(3, 6)]
    rules = {t: PointRule(r, r) for t, r in zip(range(6), ("min", "all", "any") * 2)}
    placed, found = KeypointMapping(6, pairs, rules).apply(points, marks)
    assert found[0].tolist() == [[0.25, 0.5], [1, 1], [0.5, 1], [0, 0], [0, 0], [0.25, 1]]
    assert placed[0, :, 0].tolist() == [5, 5, 5, 0, 0, 8]


def test_a_point_of_any_with_no_end_in_sight_has_no_place():
    placed, found = KeypointMapping(1, [((0, 1), 0)], {0: PointRule("any", "any")}).apply(
        np.ones((1, 2, 2)), np.zeros((1, 2, 2))
    )
    assert not placed.any()
    assert not found.any()


@given(st.lists(st.sampled_from(["min", "all", "any"]), min_size=2, max_size=2), st.integers(0, 99))
def test_where_all_ends_are_in_sight_all_rules_agree(rule, seed):
    points, visible = _sample(3, 4, seed=seed)
    visible[:] = 1
    ruled = KeypointMapping(2, THREE_ENDS, {0: PointRule(*rule)}).apply(points, visible)
    for one, other in zip(ruled, KeypointMapping(2, THREE_ENDS).apply(points, visible)):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_rules_are_part_of_what_a_mapping_is():
    pairs = [((0, 1), 0), ((2, 3), 1)]
    one = KeypointMapping(2, pairs, {0: PointRule("any")})
    assert one != KeypointMapping(2, pairs)
    assert KeypointMapping(2, pairs, {0: PointRule()}) == KeypointMapping(2, pairs)
    assert pickle.loads(pickle.dumps(one)) == one
    # a point of another rule is no mirror image
    assert KeypointMapping(2, pairs).flip_indices([2, 3, 0, 1]) == [1, 0]
    assert one.flip_indices([2, 3, 0, 1]) == [0, 1]


def test_rules_that_cannot_be_used_are_all_said():
    pairs = [((0, 1), 0, (1.5, -0.5)), (0, 1)]
    with pytest.raises(ValueError, match="these rules cannot be used") as raised:
        KeypointMapping(3, pairs, {0: PointRule("any"), 1: PointRule("all"), 2: PointRule("all")})
    assert "target 0: visible='any' scales the weights of the visible sources" in str(raised.value)
    assert "target 1: a rule belongs to a target with several sources" in str(raised.value)
    assert "target 2: a rule belongs" in str(raised.value)
    with pytest.raises(ValueError, match="labelled='most' is no rule of visibility; allowed are min, all, any"):
        PointRule(labelled="most")


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("with_labels", [False, True])
def test_many_instances_are_converted_as_each_alone(dims, with_labels):
    keypoints, visible = _sample(5, 7, dims)
    marks = np.stack([visible, visible[:, ::-1]], axis=-1) if with_labels else visible
    mapping = KeypointMapping(6, [(4, 0), ((0, 1, 2), 2), ((3, 4), 5)], {5: PointRule("any", "all")})
    for whole, alone in zip(
        mapping.apply(keypoints, marks),
        zip(*(mapping.apply(keypoints[i : i + 1], marks[i : i + 1]) for i in range(7))),
    ):
        np.testing.assert_array_equal(whole, np.concatenate(alone), strict=True)


@pytest.mark.parametrize("with_labels", [False, True])
def test_a_shape_that_fitted_once_does_not_excuse_one_that_does_not_fit(with_labels):
    mapping = KeypointMapping(2, [(1, 0)])
    marks = np.ones((2, 3, 2) if with_labels else (2, 3))
    mapping.apply(np.ones((2, 3, 2)), marks)
    with pytest.raises(ValueError, match=r"visible must have shape \(1, 3\) or \(1, 3, 2\)"):
        mapping.apply(np.ones((1, 3, 2)), marks)


def test_arguments_may_lie_in_memory_in_any_order():
    keypoints, visible = _sample(4, 3)
    mapping = KeypointMapping(3, [(3, 0), ((1, 2), 2)])
    expected = mapping.apply(keypoints, visible)
    for one, other in zip(mapping.apply(np.asfortranarray(keypoints)[:1], visible[:1, ::-1][:, ::-1]), expected):
        np.testing.assert_array_equal(one, other[:1])
