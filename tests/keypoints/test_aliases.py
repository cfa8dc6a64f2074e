from __future__ import annotations

import json
import os

import pytest

from mmpose_mix.keypoints.aliases import SHIPPED, AliasTable
from mmpose_mix.metainfo import named_keypoint_set, shipped_configs

NAMES = sorted(path.stem for path in (shipped_configs() / "_base_" / "datasets").glob("*.py"))
TABLE = json.loads(SHIPPED.read_text())
ENTRIES = [(kind, entry) for kind, some in TABLE.items() if kind != "citations" for entry in some]
NOTES = {"from": ["me"], "why": "a reason"}


def _table(**lists):
    return AliasTable({"citations": {"me": "a guide"}, **lists}, origins=("mine.json",))


@pytest.mark.parametrize(
    ("of", "name", "joint"),
    [
        ("aic", "head_top", "head_top"),
        ("crowdpose", "top_head", "head_top"),
        ("halpe26", "head", "head_top"),
        ("jhmdb", "head", "head"),
        ("mpii", "upper_neck", "neck"),
        ("mpii", "thorax", "thorax"),
        ("posetrack18", "head_bottom", "head_bottom"),
        ("coco_openpose", "neck", "shoulder_centre"),
        ("interhand3d", "left_wrist", "left_hand_root"),
        ("coco_wholebody", "left_wrist", "left_wrist"),
        ("300w", "kpt-3", "ibug68-3"),
        ("halpe", "face-3", "ibug68-3"),
        ("wflw", "kpt-3", "wflw98-3"),
        ("aflw", "kpt-3", "aflw:kpt-3"),
        ("anything", "left_hip", "left_hip"),
    ],
)
def test_the_joint_of_a_name_in_a_data_set(of, name, joint):
    assert AliasTable.shipped().joint(of, name) == joint


@pytest.mark.parametrize(
    ("one", "other"), [("ibug68-1", "wflw98-2"), ("ibug68-33", "lapa106-60"), ("cofw29-8", "lapa106-66")]
)
def test_numberings_of_one_face_share_their_joints(one, other):
    table = AliasTable.shipped()
    assert table.same(one) == table.same(other)


def test_every_entry_says_why_and_who_says_so():
    cited = {key for _, entry in ENTRIES for key in entry["from"]}
    assert all(entry["why"] and entry["from"] for _, entry in ENTRIES)
    assert cited == set(TABLE["citations"])


def _names_of_sets():
    """Set and name of every ``SET:NAME`` of the table."""
    for _, entry in ENTRIES:
        for written in [*entry.get("names", ()), *entry.get("joints", ())]:
            of, colon, name = written.partition(":")
            if colon:
                last = entry.get("size", 1) - 1
                yield from ((of, name.replace("{side}", side).replace("{}", str(last))) for side in ("left", "right"))


def test_every_name_of_a_shipped_data_set_in_the_table_exists():
    """A slip of the pen in the table would be an alias that is never found."""
    sets = {one.name: one for one in map(named_keypoint_set, NAMES)}
    written = [(of, name) for of, name in _names_of_sets() if of in sets]
    assert len(written) > 20
    assert not [(of, name) for of, name in written if name not in sets[of].keypoint_ids]


@pytest.mark.parametrize("name", NAMES)
def test_no_shipped_set_has_one_joint_twice(name):
    keypoints, table = named_keypoint_set(name), AliasTable.shipped()
    joints = [table.same(table.joint(keypoints.name, one)) for one in keypoints.keypoint_names]
    assert len(set(joints)) == len(joints)


@pytest.mark.parametrize("name", NAMES)
def test_partners_are_partners_by_any_name(name):
    """What an alias says about a left keypoint it says about the right one."""
    keypoints, table = named_keypoint_set(name), AliasTable.shipped()
    for i, partner in enumerate(keypoints.flip_indices):
        one, other = (table.joint(keypoints.name, keypoints.keypoint_names[k]) for k in (i, partner))
        if one.startswith(("left_", "right_")):
            assert other == one.replace("left_", "*").replace("right_", "left_").replace("*", "right_")


def test_approximate_joints_are_not_the_same():
    table = AliasTable.shipped()
    pairs = [entry["joints"] for kind, entry in ENTRIES if kind == "approximate" and "joints" in entry]
    assert pairs
    for one, other in pairs:
        first, second = (table.joint(*(name.split(":") if ":" in name else ("any", name))) for name in (one, other))
        assert table.same(first) != table.same(second)


def test_a_users_file_adds_and_replaces(tmp_path):
    mine = {
        "citations": {"me": "our guide"},
        "same_joint": [{"joint": "head_top", "names": ["mine:crown", "{side}_horn", "jhmdb:head"], **NOTES}],
        "numberings": [{"numbering": "our5", "size": 5, "names": ["ours:p{}"], **NOTES}],
        "same_numbers": [{"between": ["ibug68", "our5"], "runs": [[30, 0]], **NOTES}],
        "approximate": [{"joints": ["ours:p1", "nose"], **NOTES}],
        "derived": [{"joint": "ours:p2", "of": {"left_eye": 0.5, "right_eye": 0.5}, "mark": "same joint", **NOTES}],
    }
    (tmp_path / "mine.json").write_text(json.dumps(mine))
    table = AliasTable.extended_by(tmp_path / "mine.json")
    assert table.joint("mine", "crown") == table.joint("jhmdb", "head") == table.joint("any", "left_horn") == "head_top"
    assert table.same(table.joint("ours", "p0")) == table.same("ibug68-30")
    assert str(table.note_on_near("our5-1", "nose")) == "a reason [our guide]"
    assert table.derivations(table.joint("ours", "p2"))[0].parts == (("left_eye", 0.5), ("right_eye", 0.5))
    assert AliasTable.shipped().joint("jhmdb", "head") == "head"


def test_a_changed_file_is_read_again(tmp_path):
    file = tmp_path / "mine.json"
    for stamp, name in enumerate(("crown", "hat")):
        file.write_text(
            json.dumps({"citations": {"me": ""}, "same_joint": [{"joint": "head_top", "names": [name], **NOTES}]})
        )
        os.utime(file, (stamp, stamp))
        assert AliasTable.extended_by(file).joint("any", name) == "head_top"
    assert AliasTable.extended_by(file).joint("any", "crown") == "crown"


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        ({"aliases": []}, "'aliases' is unknown; allowed are citations, same_joint, numberings"),
        ({"same_joint": {}}, "same_joint must be a list"),
        ({"same_joint": [3]}, "same_joint[0]: 3 is no object"),
        ({"same_joint": [{"joint": "a"}]}, "same_joint[0]: it has the keys joint; give joint, names, from, why"),
        ({"same_joint": [{"joint": "a", "names": "b", **NOTES}]}, "names is 'b'; give a list of names"),
        ({"same_joint": [{"joint": "a", "names": ["b"], "from": ["you"], "why": "w"}]}, "from names 'you'; give keys"),
        ({"same_joint": [{"joint": "a", "names": ["b"], "from": [], "why": "w"}]}, "from names []; give keys"),
        ({"same_joint": [{"joint": "a", "names": ["b"], "from": ["me"], "why": 1}]}, "why is 1; give a sentence"),
        ({"approximate": [{"joints": ["a", "b", "c"], **NOTES}]}, "joints has 3 names; give two"),
        ({"approximate": [{"joints": ["a"], **NOTES}]}, "joints is ['a']; give two names"),
        ({"approximate": [{"joints": ["a", "b"], "runs": [], **NOTES}]}, "give joints, from, why or between, runs"),
        ({"same_numbers": [{"between": ["a", "b"], "runs": [[1]], **NOTES}]}, "runs must be a list of"),
        ({"numberings": [{"numbering": "a", "size": 0, "names": ["b{}"], **NOTES}]}, "size is 0; give how many"),
        (
            {"derived": [{"joint": "a", "of": {"b": 0.4}, "mark": "approximate", **NOTES}]},
            "of is {'b': 0.4}; give joints and weights",
        ),
        (
            {"derived": [{"joint": "a", "of": {"b": 1}, "mark": "near", **NOTES}]},
            "mark is 'near'; allowed are same joint",
        ),
        ({"citations": []}, "citations must be an object"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_words(lists, words):
    with pytest.raises(ValueError, match=r"^mine\.json: these aliases cannot be used:") as raised:
        _table(**lists)
    assert words in str(raised.value)


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "mine.json").write_text("[")
    with pytest.raises(ValueError, match=r"mine\.json is no JSON"):
        AliasTable.extended_by(tmp_path / "mine.json")
    with pytest.raises(FileNotFoundError, match=r"a\.json, .*b\.json does not exist"):
        AliasTable.extended_by(tmp_path / "a.json", tmp_path / "b.json")
    with pytest.raises(ValueError, match="holds an object with the lists"):
        AliasTable([], origins=("x",))
