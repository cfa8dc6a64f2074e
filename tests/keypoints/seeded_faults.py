"""Keypoint sets made wrong, one fault at a time, each with the code that a check must give it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, Optional

from mmpose_mix.keypoints.outline import KeypointOutline, outline_of

Info = dict[str, Any]
# A mutation changes the set in place and returns False where the set has nothing to break in this way.
Mutation = Callable[[Info, KeypointOutline], Optional[bool]]
SET_MUTATIONS: list[tuple[str, str, Mutation]] = []


def breaks(code: str) -> Callable[[Mutation], Mutation]:
    """Register a mutation that a check must answer with this code."""

    def register(mutation: Mutation) -> Mutation:
        SET_MUTATIONS.append((code, mutation.__name__, mutation))
        return mutation

    return register


def broken_sets(infos: dict[str, Info]) -> Iterator[tuple[str, str, str, Info]]:
    """Yield ``code, mutation, file, info`` for every set that a mutation can break."""
    for file, info in infos.items():
        outline, _ = outline_of(info, file)
        assert outline is not None
        for code, name, mutation in SET_MUTATIONS:
            changed = copy.deepcopy(info)
            if mutation(changed, outline) is not False:
                yield code, name, file, changed


def entry(info: Info, name: str) -> Info:
    """The entry of a keypoint."""
    return next(each for each in info["keypoint_info"].values() if each["name"] == name)


def named_pairs(outline: KeypointOutline) -> list[tuple[str, str]]:
    """Partners whose names say their sides."""
    names = outline.keypoint_names
    return [(names[i], names[j]) for i, j in outline.pairs if not names[i][-1].isdigit()]


def places(outline: KeypointOutline) -> dict[str, int]:
    return {name: i for i, name in enumerate(outline.keypoint_names)}


@breaks("KS101")
def forgets_a_key(info, outline):
    del info["joint_weights"]


@breaks("KS101")
def misspells_a_key(info, outline):
    info["joint_weight"] = info["joint_weights"]


@breaks("KS101")
def misspells_a_key_of_a_keypoint(info, outline):
    info["keypoint_info"][0]["colour"] = [1, 2, 3]


@breaks("KS102")
def loses_a_weight(info, outline):
    info["joint_weights"] = info["joint_weights"][:-1]


@breaks("KS102")
def has_a_weight_too_many(info, outline):
    info["joint_weights"] = [*info["joint_weights"], 1.0]


@breaks("KS103")
def loses_a_sigma(info, outline):
    if not info["sigmas"]:
        return False
    info["sigmas"] = info["sigmas"][:-1]
    return True


@breaks("KS103")
def has_one_sigma(info, outline):
    info["sigmas"] = [0.1]


@breaks("KS105")
def has_a_colour_of_two(info, outline):
    info["keypoint_info"][0]["color"] = [255, 0]


@breaks("KS106")
def has_a_negative_weight(info, outline):
    info["joint_weights"] = [-1.0, *info["joint_weights"][1:]]


@breaks("KS107")
def has_a_sigma_of_zero(info, outline):
    if not info["sigmas"]:
        return False
    info["sigmas"] = [0.0, *info["sigmas"][1:]]
    return True


@breaks("KS110")
def repeats_an_id(info, outline):
    info["keypoint_info"][1]["id"] = 0


@breaks("KS110")
def skips_an_id(info, outline):
    info["keypoint_info"][max(info["keypoint_info"])]["id"] += 1


@breaks("KS111")
def exchanges_two_ids(info, outline):
    info["keypoint_info"][0]["id"], info["keypoint_info"][1]["id"] = 1, 0


@breaks("KS112")
def repeats_a_link_id(info, outline):
    if len(info["skeleton_info"]) < 2:
        return False
    info["skeleton_info"][1]["id"] = 0
    return True


@breaks("KS120")
def has_a_name_of_nothing(info, outline):
    info["keypoint_info"][0]["name"] = ""


@breaks("KS121")
def repeats_a_name(info, outline):
    info["keypoint_info"][1]["name"] = info["keypoint_info"][0]["name"]


@breaks("KS122")
def has_a_type_of_its_own(info, outline):
    info["keypoint_info"][0]["type"] = "middle"


@breaks("KS130")
def swaps_with_a_stranger(info, outline):
    info["keypoint_info"][0]["swap"] = "somebody"


@breaks("KS131")
def forgets_half_a_swap(info, outline):
    if not outline.pairs:
        return False
    entry(info, outline.keypoint_names[outline.pairs[0][0]])["swap"] = ""
    return True


@breaks("KS131")
def swaps_two_with_one(info, outline):
    if len(outline.pairs) < 2:
        return False
    names = outline.keypoint_names
    entry(info, names[outline.pairs[0][0]])["swap"] = names[outline.pairs[1][1]]
    return True


@breaks("KS133")
def crosses_two_pairs(info, outline):
    pairs = named_pairs(outline)
    if len(pairs) < 2:
        return False
    (one, two), (three, four) = pairs[:2]
    for left, right in ((one, four), (three, two)):
        entry(info, left)["swap"], entry(info, right)["swap"] = right, left
    return True


@breaks("KS133")
def forgets_a_pair(info, outline):
    if len(named_pairs(outline)) < 2:
        return False
    for name in named_pairs(outline)[0]:
        entry(info, name)["swap"] = ""
    return True


@breaks("KS134")
def names_one_side_alone(info, outline):
    if len(named_pairs(outline)) < 2:
        return False
    one, two = named_pairs(outline)[0]
    entry(info, two).update(name="stump", swap="")
    entry(info, one)["swap"] = ""
    return True


@breaks("KS135")
def forgets_all_swaps_of_sides(info, outline):
    if not named_pairs(outline):
        return False
    for each in info["keypoint_info"].values():
        each["swap"] = ""
    return True


@breaks("KS136")
def forgets_all_swaps_of_numbers(info, outline):
    if not outline.pairs or not all(name[-1].isdigit() and "-" in name for name in outline.keypoint_names):
        return False
    for each in info["keypoint_info"].values():
        each["swap"] = ""
    return True


@breaks("KS138")
def swaps_nose_and_neck(info, outline):
    partners = outline.partners
    middle = [name for i, name in enumerate(outline.keypoint_names) if partners[i] == i and not name[-1].isdigit()]
    if len(middle) < 2 or not named_pairs(outline):
        return False
    entry(info, middle[0])["swap"], entry(info, middle[1])["swap"] = middle[1], middle[0]
    return True


def one_side_changed(key: str, info: Info, outline: KeypointOutline) -> bool:
    if not info[key] or not outline.pairs:
        return False
    numbers = list(info[key])
    numbers[outline.pairs[0][0]] *= 1.75
    info[key] = numbers
    return True


def exchanged_between_pairs(key: str, info: Info, outline: KeypointOutline) -> bool:
    """Exchange the number of a left keypoint with that of another pair."""
    numbers = list(info[key])
    equal = [(i, j) for i, j in outline.pairs if numbers and numbers[i] == numbers[j]]
    if len(equal) != len(outline.pairs) or len({numbers[i] for i, _ in equal}) < 2:
        return False
    first = equal[0][0]
    other = next(i for i, _ in equal if numbers[i] != numbers[first])
    numbers[first], numbers[other] = numbers[other], numbers[first]
    info[key] = numbers
    return True


@breaks("KS140")
def has_one_larger_sigma(info, outline):
    return one_side_changed("sigmas", info, outline)


@breaks("KS141")
def has_one_larger_weight(info, outline):
    return one_side_changed("joint_weights", info, outline)


@breaks("KS142")
def has_two_sigmas_exchanged(info, outline):
    return exchanged_between_pairs("sigmas", info, outline)


@breaks("KS143")
def has_two_weights_exchanged(info, outline):
    return exchanged_between_pairs("joint_weights", info, outline)


def changed_link(info: Info, link: Any) -> bool:
    if not info["skeleton_info"]:
        return False
    info["skeleton_info"][0]["link"] = link
    return True


@breaks("KS150")
def links_to_a_stranger(info, outline):
    return changed_link(info, (outline.keypoint_names[0], "somebody"))


@breaks("KS151")
def links_three(info, outline):
    return changed_link(info, outline.keypoint_names[:3])


@breaks("KS152")
def links_one_with_itself(info, outline):
    return changed_link(info, (outline.keypoint_names[0],) * 2)


@breaks("KS153")
def repeats_a_link_backwards(info, outline):
    if not outline.links:
        return False
    number = len(info["skeleton_info"])
    info["skeleton_info"][number] = {"link": outline.links[0][::-1], "id": number, "color": [0, 0, 0]}
    return True


@breaks("KS154")
def links_left_with_right(info, outline):
    sides = dict(named_pairs(outline))
    for each in info["skeleton_info"].values():
        one, two = each["link"]
        if one in sides and two in sides:
            each["link"] = (one, sides[two])
            return True
    return False


@breaks("KS155")
def forgets_a_link(info, outline):
    partners, names = outline.partners, outline.keypoint_names
    mirror = {name: names[partners[i]] for i, name in enumerate(names)}
    for key, each in info["skeleton_info"].items():
        if {mirror[end] for end in each["link"]} != set(each["link"]):
            del info["skeleton_info"][key]
            for number, rest in enumerate(info["skeleton_info"].values()):
                rest["id"] = number
            return True
    return False


@breaks("KS160")
def puts_partners_into_different_halves(info, outline):
    if not any(outline.types) or not outline.pairs:
        return False
    i, j = outline.pairs[0]
    entry(info, outline.keypoint_names[i])["type"] = "upper"
    entry(info, outline.keypoint_names[j])["type"] = "lower"
    return True
