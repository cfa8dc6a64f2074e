from __future__ import annotations

import copy
import re

import pytest

from mmpose_mix.keypoints.findings import CODES, ERROR, SEVERITIES, WARNING, finding, in_order_of_severity
from mmpose_mix.keypoints.lint_sets import lint_set, lint_sets
from mmpose_mix.keypoints.outline import KeypointOutline, outline_of
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import dataset_info_of, shipped_configs
from tests.keypoints.seeded_faults import broken_sets


@pytest.fixture(scope="module")
def shipped():
    """The shipped keypoint sets by file, as they are written."""
    files = sorted((shipped_configs() / "_base_" / "datasets").glob("*.py"))
    return {path.name: copy.deepcopy(dataset_info_of(path)) for path in files}


def codes(findings, *severities):
    return {each.code for each in findings if not severities or each.severity in severities}


def test_a_good_set_has_no_fault(person):
    assert codes(lint_set(person)) == {"KS155"}, "its left hand alone is linked to the nose"
    person["skeleton_info"][2] = {"link": ("nose", "right_hand"), "id": 2}
    assert lint_set(person) == []


def test_the_shipped_sets_have_no_error_and_no_warning(shipped):
    assert len(shipped) >= 28
    assert [str(each) for each in lint_sets(shipped) if each.severity in (ERROR, WARNING)] == []


def test_every_seeded_fault_of_a_set_is_found_under_its_code(shipped):
    missed, count = [], 0
    for code, mutation, file, info in broken_sets(shipped):
        count += 1
        if code not in codes(lint_set(info, file)):
            missed.append((code, mutation, file))
    assert missed == []
    assert count >= 600


def test_a_set_that_the_parser_accepts_has_no_error(shipped):
    """And one with an error of form is one that the parser refuses."""
    of_form = {code for code in CODES if code[:4] in ("KS10", "KS12") or code in ("KS110", "KS112", "KS130", "KS131")}
    for code, mutation, file, info in broken_sets(shipped):
        try:
            KeypointSet.from_dataset_info(info)
        except ValueError:
            refused = True
        else:
            refused = False
        found = codes(lint_set(info, file), ERROR) & of_form | codes(lint_set(info, file)) & {"KS150", "KS151", "KS152"}
        assert refused == bool(found), (code, mutation, file, found)


def test_all_faults_of_a_set_come_at_once(person):
    person.update(joint_weights=[1.0], sigmas=[0.1])
    person["keypoint_info"][1]["swap"] = "nobody"
    person["skeleton_info"][0]["link"] = ("nose", "toes")
    assert codes(lint_set(person), ERROR) >= {"KS102", "KS103", "KS130", "KS150"}


def test_what_is_linted_is_left_alone(person):
    before = copy.deepcopy(person)
    lint_set(person)
    assert person == before


def test_the_outline_of_a_parsed_set_is_that_of_its_dict(person):
    parsed, read = KeypointOutline.of(KeypointSet.from_dataset_info(person)), outline_of(person, "p")[0]
    for name in ("name", "keypoint_names", "swaps", "types", "links", "partners", "pairs"):
        assert getattr(parsed, name) == getattr(read, name)
    assert parsed.weights.tolist() == read.weights.tolist()


class TestNumbersOfLeftAndRight:
    def test_numbers_in_the_order_of_another_set_are_known_by_that_order(self, person):
        other = copy.deepcopy(person)
        for key in ("keypoint_info", "skeleton_info"):
            person[key] = {i: person[key][i] for i in person[key]}
        order = [0, 1, 3, 2, 4, 5]
        person["keypoint_info"] = {i: {**person["keypoint_info"][old], "id": i} for i, old in enumerate(order)}
        reference = outline_of(other, "other.py")[0]
        found = [str(each) for each in lint_set(person, "person.py", [reference]) if each.code == "KS142"]
        assert len(found) == 1
        assert "in the order of other.py they would be the same" in found[0]

    def test_a_keypoint_put_in_front_moves_the_numbers_of_a_copied_list(self, shipped):
        info = copy.deepcopy(shipped["coco.py"])
        added = {"name": "neck", "id": 1, "color": [0, 0, 0], "type": "upper", "swap": ""}
        old = list(info["keypoint_info"].values())
        openpose = [0, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]
        entries = [old[0], added, *(old[i] for i in openpose[1:])]
        info["keypoint_info"] = {i: {**each, "id": i} for i, each in enumerate(entries)}
        info["joint_weights"] = [1.0] * 18
        info["sigmas"] = [*info["sigmas"], 0.1]
        reference = outline_of(shipped["coco.py"], "coco.py")[0]
        text = next(each.text for each in lint_set(info, "openpose.py", [reference]) if each.code == "KS142")
        assert "8 pairs" in text
        assert "in the order of coco.py" in text

    def test_published_differences_are_a_note_and_others_are_not(self, shipped):
        info = copy.deepcopy(shipped["animalpose.py"])
        assert "KS144" in codes(lint_set(info))
        info["sigmas"] = [0.5, *info["sigmas"][1:]]
        assert codes(lint_set(info)) & {"KS144", "KS140"} == {"KS140"}


WORDS = {
    "KS101": (lambda p: p.pop("sigmas"), r"KS101 p.py: sigmas missing\. Fix: add them"),
    "KS102": (
        lambda p: p.update(joint_weights=[1.0]),
        r"p.py: joint_weights: 1 values for 6 keypoints\. Fix: give one",
    ),
    "KS103": (lambda p: p.update(sigmas=[1.0]), r"p.py: sigmas: 1 values for 6 keypoints\. Fix: give one per keypoint"),
    "KS104": (lambda p: p.update(sigmas=[]), r"note KS104 p.py: sigmas: the list is empty\. Fix: nothing, unless OKS"),
    "KS105": (lambda p: p["keypoint_info"][0].update(color=[1, 2]), r"entry 0 has color \[1, 2\]\. Fix: give three"),
    "KS106": (lambda p: p.update(joint_weights=[-1] * 6), r"entries 0, 1, 2, 3, 4, 5 are not finite and at least 0"),
    "KS107": (lambda p: p.update(sigmas=[0.0] + [1.0] * 5), r"p.py: sigmas: entries 0 are not finite and above 0"),
    "KS108": (lambda p: p.update(joint_weights=[0] * 6), r"p.py: joint_weights: all are 0\. Fix: give 1 to each"),
    "KS110": (
        lambda p: p["keypoint_info"][5].update(id=4),
        r"keypoint_info: ids are not 0 to 5, each once \(twice: 4; absent: 5\)\. Fix: renumber them",
    ),
    "KS111": (
        lambda p: (p["keypoint_info"][4].update(id=5), p["keypoint_info"][5].update(id=4)),
        r"the ids are not in the order of the dict from place 4 on \(2 places\)\. Fix: write the entries in the order",
    ),
    "KS112": (lambda p: p["skeleton_info"][1].update(id=0), r"skeleton_info: ids are not 0 to 1, each once \(twice: 0"),
    "KS113": (
        lambda p: (p["skeleton_info"][0].update(id=1), p["skeleton_info"][1].update(id=0)),
        r"note KS113 p.py: skeleton_info: the ids are not in the order of the dict from place 0 on",
    ),
    "KS120": (lambda p: p["keypoint_info"][5].update(name=""), r"keypoint 5 has name ''\. Fix: give a string"),
    "KS121": (lambda p: p["keypoint_info"][5].update(name="nose"), r"keypoints 0, 5 are all named 'nose'\. Fix: give"),
    "KS122": (lambda p: p["keypoint_info"][5].update(type="mid"), r"p.py: bag: type is 'mid'\. Fix: give 'upper', 'l"),
    "KS130": (lambda p: p["keypoint_info"][5].update(swap="box"), r"bag: it swaps with 'box', which is no keypoint"),
    "KS131": (
        lambda p: p["keypoint_info"][1].update(swap=""),
        r"right_hand: it swaps with 'left_hand', whose swap is ''\. Fix: set the swap of 'left_hand' to 'right_hand'",
    ),
    "KS132": (lambda p: p["keypoint_info"][5].update(swap="bag"), r"note KS132 p.py: bag: it swaps with itself"),
    "KS133": (
        lambda p: [p["keypoint_info"][i].update(swap="") for i in (1, 2)],
        r"left_hand swaps with nothing, not with right_hand\. Fix: set its swap to 'right_hand'",
    ),
    "KS134": (
        lambda p: (p["keypoint_info"][2].update(name="hook"), p["keypoint_info"][1].update(swap="")),
        r"there is left_hand and no right_hand\. Fix: add right_hand, or correct the name",
    ),
    "KS135": (
        lambda p: [each.update(swap="") for each in p["keypoint_info"].values()],
        r"no keypoint has a swap, but left_hand, right_hand, left_foot, right_foot have sides\. Fix: let each left",
    ),
    "KS136": (
        lambda p: [each.update(swap="", name=f"kpt-{i}") for i, each in p["keypoint_info"].items()],
        r"no keypoint has a swap, and the names only number them\. Fix: give the swaps, unless this is one hand",
    ),
    "KS137": (
        lambda p: [each.update(swap="", name="abcdef"[i]) for i, each in p["keypoint_info"].items()],
        r"note KS137 p.py: keypoint_info: no keypoint has a swap\. Fix: nothing, if this is one hand",
    ),
    "KS138": (
        lambda p: (p["keypoint_info"][5].update(swap="nose"), p["keypoint_info"][0].update(swap="bag")),
        r"bag and nose swap, although their names say no side and others do\. Fix: use empty swaps",
    ),
    "KS140": (
        lambda p: p.update(sigmas=[0.1, 0.2, 0.25, 0.3, 0.3, 0.4]),
        r"sigmas: left and right differ in 1 pairs: left_hand-right_hand 0.2/0.25\. Fix: give both of a pair the same",
    ),
    "KS141": (
        lambda p: p.update(joint_weights=[1, 1.5, 1.7, 2, 2, 0]),
        r"joint_weights: left and right differ in 1 pairs: left_hand-right_hand 1.5/1.7\. Fix: give both",
    ),
    "KS142": (
        lambda p: p.update(sigmas=[0.1, 0.2, 0.3, 0.2, 0.3, 0.4]),
        (
            r"sigmas: left and right differ in 2 pairs: left_hand-right_hand 0.2/0.3, left_foot-right_foot 0.2/0.3; "
            r"in another order every left keypoint would have the number of its right one\. Fix: write the numbers"
        ),
    ),
    "KS143": (
        lambda p: p.update(joint_weights=[1, 1.5, 2, 1.5, 2, 0]),
        r"joint_weights: left and right differ in 2 pairs: .*; in another order every left",
    ),
    "KS144": (
        lambda p: p.update(sigmas=[0.1, 0.026, 0.035, 0.3, 0.3, 0.4], dataset_name="animalpose"),
        r"note KS144 p.py: sigmas: left and right differ in 1 pairs: .*\. Fix: nothing; the data set publishes them so",
    ),
    "KS150": (
        lambda p: p["skeleton_info"][1].update(link=("nose", "tail")),
        r"link 1 \('nose', 'tail'\) ends at 'tail', which is no keypoint\. Fix: correct the name or take the link out",
    ),
    "KS151": (
        lambda p: p["skeleton_info"][1].update(link=("nose",)),
        r"link 1 is \('nose',\)\. Fix: give the names",
    ),
    "KS152": (lambda p: p["skeleton_info"][1].update(link=["bag"] * 2), r"link 1 joins 'bag' with itself\. Fix: name"),
    "KS153": (
        lambda p: p["skeleton_info"][1].update(link=("left_hand", "nose")),
        r"nose-left_hand is given 2 times\. Fix: keep one of them",
    ),
    "KS154": (
        lambda p: p["skeleton_info"][1].update(link=("left_hand", "right_foot")),
        r"left_hand-right_foot joins the left with another joint of the right\. Fix: perhaps left_hand-left_foot",
    ),
    "KS155": (
        lambda p: None,
        r"nose-left_hand is there, and nose-right_hand is not\. Fix: add nose-right_hand, or take nose-left_hand out",
    ),
    "KS160": (
        lambda p: p["keypoint_info"][2].update(type="lower"),
        r"left_hand-right_hand: type is 'upper' and 'lower'\. Fix: give partners the same type",
    ),
    "KS161": (
        lambda p: [each.update(type="") for each in p["keypoint_info"].values()],
        r"note KS161 p.py: keypoint_info: no keypoint is upper or lower\. Fix: nothing, unless RandomHalfBody",
    ),
}


@pytest.mark.parametrize("code", WORDS)
def test_a_fault_of_a_set_is_said_in_these_words(person, code):
    change, words = WORDS[code]
    change(person)
    found = [str(each) for each in lint_set(person, "p.py") if each.code == code]
    assert len(found) >= 1
    assert any(re.search(words, each) for each in found), found


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ([1], "p.py: dataset_info is a list. Fix: give a dict with keypoint_info"),
        ({"keypoint_info": {}}, "p.py: keypoint_info: a dict of 0 entries. Fix: give a dict of dicts"),
        ({"keypoint_info": {0: "nose"}}, "entry 0 is a str. Fix: give a dict of name, id, color, type, swap"),
        ({"keypoint_infos": {}}, "p.py: unknown keys keypoint_infos. Fix: leave them out; allowed are dataset_name"),
        ({"dataset_name": ""}, "p.py: dataset_name: it is ''. Fix: give a string that is not empty"),
        ({"keypoint_info": {0: {"nam": "a"}}}, "entry 0 has unknown keys nam. Fix: allowed are name, id"),
    ],
)
def test_what_cannot_be_read_is_said_in_these_words(info, words):
    assert any(words in str(each) for each in lint_set(info, "p.py") if each.code == "KS101")


def test_numbers_that_are_none_are_said_in_these_words(person):
    person.update(joint_weights="abc", sigmas=[[1]])
    found = {each.code: str(each) for each in lint_set(person, "p.py")}
    assert "no flat list of numbers. Fix: give 6 numbers, one per keypoint" in found["KS106"]
    assert "no flat list of numbers" in found["KS107"]


def test_a_name_for_two_sets_is_said_in_these_words(person):
    found = [str(each) for each in lint_sets({"a.py": person, "b.py": person}) if each.code == "KS170"]
    assert found == [
        "error KS170 'person' in a.py, b.py: they have one dataset_name. Fix: give each set a name of its own"
    ]


def test_swaps_that_contradict_another_set_are_said_in_these_words(person):
    without = copy.deepcopy(person)
    for each in without["keypoint_info"].values():
        each["swap"] = ""
    found = [str(each) for each in lint_sets({"a.py": person, "b.py": without}) if each.code == "KS171"]
    assert len(found) == 1
    assert (
        "b.py: keypoint_info: left_hand, right_hand, left_foot, right_foot do not have the partners that they have "
        "in a.py. Fix: take the swaps of the right one" in found[0]
    )


def test_every_code_of_sets_has_a_test_of_its_words():
    assert set(WORDS) | {"KS170", "KS171"} == {code for code in CODES if code.startswith("KS")}


def test_codes_and_severities_are_of_the_table():
    assert {code.severity for code in CODES.values()} == set(SEVERITIES)
    with pytest.raises(KeyError):
        finding("KS999", "here", "something", "nothing")


def test_errors_come_before_warnings_and_notes():
    some = [finding(code, "p", "t", "f") for code in ("KS104", "KS141", "KS102")]
    assert [each.severity for each in in_order_of_severity(some)] == ["error", "warning", "note"]
