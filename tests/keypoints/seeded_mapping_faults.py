"""Mappings made wrong, one fault at a time, each with the code that a check must give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Optional

from mmpose_mix.keypoints.matching import match_keypoints
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.keypoints.sides import side_of

Pairs = list[tuple[int, int]]
Case = tuple[Pairs, KeypointSet, KeypointSet]
# A mutation returns the wrong pairs, None where there is nothing to break in this way.
Mutation = Callable[[Pairs, KeypointSet, KeypointSet], Optional[list[Any]]]
MAPPING_MUTATIONS: list[tuple[str, str, Mutation]] = []
FEWEST_PAIRS = 6


def breaks(code: str) -> Callable[[Mutation], Mutation]:
    """Register a mutation that a check must answer with this code."""

    def register(mutation: Mutation) -> Mutation:
        MAPPING_MUTATIONS.append((code, mutation.__name__, mutation))
        return mutation

    return register


def right_mappings(sets: list[KeypointSet]) -> Iterator[Case]:
    """Yield pairs, source and target of all sets that have some keypoints in common, without derived points."""
    for source in sets:
        for target in sets:
            pairs = [pair for pair in match_keypoints(source, target).mapping.pairs if isinstance(pair[0], int)]
            if source is not target and len(pairs) >= FEWEST_PAIRS:
                yield pairs, source, target


def broken_mappings(case: Case) -> Iterator[tuple[str, str, list[Any]]]:
    """Yield ``code, mutation, pairs`` for every mutation that can break a mapping."""
    for code, name, mutation in MAPPING_MUTATIONS:
        wrong = mutation(list(case[0]), *case[1:])
        if wrong is not None:
            yield code, name, wrong


def without_target(pairs, target):
    return [pair for pair in pairs if pair[1] != target]


def partnered(pairs, target):
    """A pair whose target has a partner that is mapped too; and that partner's pair."""
    by_target = {goal: (origin, goal) for origin, goal in pairs}
    for origin, goal in pairs:
        partner = target.flip_indices[goal]
        if partner > goal and partner in by_target:
            return (origin, goal), by_target[partner]
    return None


@breaks("MAP201")
def has_a_pair_of_one(pairs, source, target):
    return [*pairs[:-1], pairs[-1][:1]]


@breaks("MAP201")
def names_a_stranger(pairs, source, target):
    return [*pairs[:-1], ("somebody", pairs[-1][1])]


@breaks("MAP202")
def has_a_target_too_far(pairs, source, target):
    return [*pairs[:-1], (pairs[-1][0], target.num_keypoints)]


@breaks("MAP203")
def has_a_source_too_far(pairs, source, target):
    return [*pairs[:-1], (source.num_keypoints, pairs[-1][1])]


@breaks("MAP203")
def counts_a_source_from_the_end(pairs, source, target):
    return [*pairs[:-1], (-1, pairs[-1][1])]


@breaks("MAP204")
def gives_a_target_twice(pairs, source, target):
    return [*pairs, (pairs[0][0], pairs[-1][1])]


@breaks("MAP205")
def weighs_more_than_one(pairs, source, target):
    return [*pairs[:-1], ((pairs[0][0], pairs[1][0]), pairs[-1][1], (0.5, 0.6))]


@breaks("MAP206")
def uses_a_source_twice(pairs, source, target):
    return [*pairs[:-1], (pairs[0][0], pairs[-1][1])]


@breaks("MAP207")
def has_no_pair(pairs, source, target):
    return []


@breaks("MAP210")
def exchanges_left_and_right(pairs, source, target):
    sided = [goal for _, goal in pairs if side_of(target.keypoint_names[goal])]
    if not sided:
        return None
    return [(origin, target.flip_indices[goal]) for origin, goal in pairs]


@breaks("MAP210")
def exchanges_one_left_and_right(pairs, source, target):
    both = partnered(pairs, target)
    if both is None or not side_of(target.keypoint_names[both[0][1]]):
        return None
    (one, left), (two, right) = both
    return [*without_target(without_target(pairs, left), right), (one, right), (two, left)]


@breaks("MAP211")
def exchanges_two_joints_of_a_side(pairs, source, target):
    sides = {goal: side_of(target.keypoint_names[goal]) for _, goal in pairs}
    same = [pair for pair in pairs if sides[pair[1]] == sides[pairs[0][1]]]
    if len(same) < 2:
        return None
    (one, goal), (two, other) = same[0], same[1]
    return [*without_target(without_target(pairs, goal), other), (one, other), (two, goal)]


@breaks("MAP220")
def exchanges_a_joint_on_one_side_alone(pairs, source, target):
    both = partnered(pairs, target)
    if both is None:
        return None
    (one, goal), (_, partner) = both
    other = next((pair for pair in pairs if pair[1] not in (goal, partner)), None)
    if other is None:
        return None
    return [*without_target(without_target(pairs, goal), other[1]), (one, other[1]), (other[0], goal)]


@breaks("MAP221")
def forgets_one_of_partners(pairs, source, target):
    both = partnered(pairs, target)
    return None if both is None else without_target(pairs, both[0][1])


@breaks("MAP230")
def forgets_a_pair(pairs, source, target):
    return pairs[:-1]
