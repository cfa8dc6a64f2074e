from __future__ import annotations

import copy
import os
import pickle

import numpy as np
import pytest
from mmengine.config import Config, ConfigDict

from mmpose_mix import metainfo as module
from mmpose_mix.metainfo import (
    dataset_info_of,
    find_metainfo_file,
    keypoint_set,
    named_keypoint_set,
    parse_pose_metainfo,
    resolve_metainfo_paths,
    shipped_configs,
)

COCO = "configs/_base_/datasets/coco.py"
TINY = """
dataset_info = dict(
    dataset_name="tiny",
    keypoint_info={
        0: dict(name="left", id=0, swap="right", type="upper"),
        1: dict(name="right", id=1, swap="left", type="lower"),
    },
    skeleton_info={0: dict(link=("left", "right"), id=0)},
    joint_weights=[1.0, 2.0],
    sigmas=[0.1, 0.2],
    stats_info=dict(bbox_scale=[400.0]),
)
"""


@pytest.fixture
def tiny(tmp_path):
    """The path of a metainfo file in a folder of its own."""
    path = tmp_path / "sets" / "tiny.py"
    path.parent.mkdir()
    path.write_text(TINY)
    return path


def _same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        if isinstance(value, np.ndarray):
            assert value.dtype == other[key].dtype, key
            np.testing.assert_array_equal(value, other[key], err_msg=key)
        elif key == "stats_info":
            _same(value, other[key])
        else:
            assert value == other[key], key


def test_a_file_is_parsed_into_the_keys_and_types_of_mmpose(tiny):
    parsed = parse_pose_metainfo({"from_file": str(tiny)})
    expected = {
        "dataset_name": "tiny",
        "num_keypoints": 2,
        "keypoint_id2name": {0: "left", 1: "right"},
        "keypoint_name2id": {"left": 0, "right": 1},
        "upper_body_ids": [0],
        "lower_body_ids": [1],
        "flip_indices": [1, 0],
        "flip_pairs": [(1, 0), (0, 1)],
        "keypoint_colors": np.array([[255, 128, 0]] * 2, dtype=np.uint8),
        "num_skeleton_links": 1,
        "skeleton_links": [(0, 1)],
        "skeleton_link_colors": np.array([[96, 96, 255]], dtype=np.uint8),
        "dataset_keypoint_weights": np.array([1, 2], dtype=np.float32),
        "sigmas": np.array([0.1, 0.2], dtype=np.float32),
        "stats_info": {"bbox_scale": np.array([400], dtype=np.float32)},
    }
    _same(parsed, expected)
    assert {key: type(value) for key, value in parsed.items()} == {k: type(v) for k, v in expected.items()}
    assert type(parsed["flip_pairs"][0]) is tuple


@pytest.mark.parametrize("name", ["coco", "aic", "coco_aic"])
def test_parsing_what_was_parsed_changes_nothing(name):
    parsed = parse_pose_metainfo({"from_file": f"configs/_base_/datasets/{name}.py"})
    _same(parse_pose_metainfo(parsed), parsed)


def test_further_keys_of_a_parsed_dict_are_carried_along(tiny):
    parsed = parse_pose_metainfo({"from_file": str(tiny)})
    assert parse_pose_metainfo({**parsed, "CLASSES": ["person"]})["CLASSES"] == ["person"]


def test_a_dataset_info_is_parsed_without_a_file(tiny):
    info = Config.fromfile(tiny).dataset_info
    _same(parse_pose_metainfo(info), parse_pose_metainfo({"from_file": str(tiny)}))
    assert isinstance(info, ConfigDict)


def test_keys_beside_from_file_replace_those_of_the_file(tiny):
    parsed = parse_pose_metainfo({"from_file": str(tiny), "dataset_name": "mine", "sigmas": []})
    assert parsed["dataset_name"] == "mine"
    assert len(parsed["sigmas"]) == 0
    assert parsed["keypoint_id2name"] == {0: "left", 1: "right"}
    assert parse_pose_metainfo({"from_file": str(tiny)})["dataset_name"] == "tiny"


def test_arrays_are_shared_and_read_only_while_lists_are_the_callers(tiny):
    one, other = (parse_pose_metainfo({"from_file": str(tiny)}) for _ in range(2))
    assert one["sigmas"] is other["sigmas"]
    with pytest.raises(ValueError, match="read-only"):
        one["sigmas"][0] = 1
    one["flip_indices"].clear()
    assert other["flip_indices"] == [1, 0]
    assert keypoint_set({"from_file": str(tiny)}) is keypoint_set({"from_file": str(tiny)})


def test_a_changed_file_is_read_again(tiny):
    assert keypoint_set({"from_file": str(tiny)}).name == "tiny"
    tiny.write_text(TINY.replace('"tiny"', '"new"'))
    os.utime(tiny, ns=(1, 1))
    assert keypoint_set({"from_file": str(tiny)}).name == "new"


def test_a_parsed_dict_can_be_pickled_and_copied(tiny):
    parsed = parse_pose_metainfo({"from_file": str(tiny)})
    _same(pickle.loads(pickle.dumps(parsed)), parsed)
    _same(copy.deepcopy(parsed), parsed)


def test_the_shipped_sets_are_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = shipped_configs() / "_base_" / "datasets" / "coco.py"
    assert find_metainfo_file(COCO) == find_metainfo_file("_base_/datasets/coco.py") == expected


def test_the_configs_folder_comes_before_the_working_directory_and_that_before_the_shipped_ones(tmp_path, monkeypatch):
    base, cwd = tmp_path / "base", tmp_path / "cwd"
    for folder in (base, cwd):
        (folder / COCO).parent.mkdir(parents=True)
        (folder / COCO).write_text(TINY)
    monkeypatch.chdir(cwd)
    assert find_metainfo_file(COCO, base) == base / COCO
    assert find_metainfo_file(COCO) == cwd / COCO
    assert find_metainfo_file("../cwd/" + COCO, base) == cwd / COCO
    (cwd / COCO).unlink()
    assert find_metainfo_file(COCO) == shipped_configs() / "_base_/datasets/coco.py"


def test_an_installed_package_takes_the_configs_it_carries(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PACKAGE", tmp_path)
    assert shipped_configs() == tmp_path.parent / "configs"
    (tmp_path / ".mim" / "configs").mkdir(parents=True)
    assert shipped_configs() == tmp_path / ".mim" / "configs"


def test_relative_paths_of_a_config_become_absolute_where_they_exist(tiny):
    pipeline = ({"encoder": [{"metainfo": {"from_file": "sets/tiny.py"}}]},)
    config = Config(
        {
            "train": {"dataset": {"datasets": [{"metainfo": {"from_file": "sets/tiny.py"}}]}, "pipeline": pipeline},
            "val": {"metainfo": {"from_file": COCO, "dataset_name": "sets/tiny.py"}},
        }
    )
    resolve_metainfo_paths(config, tiny.parents[1])
    assert config.train.dataset.datasets[0].metainfo.from_file == str(tiny)
    assert config.train.pipeline[0].encoder[0].metainfo.from_file == str(tiny)
    assert config.val.metainfo.from_file == COCO
    assert config.val.metainfo.dataset_name == "sets/tiny.py"


def test_a_missing_file_is_reported_with_every_path_tried(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as error:
        find_metainfo_file("configs/none.py", tmp_path / "base")
    text = str(error.value)
    for tried in (tmp_path / "base/configs/none.py", tmp_path / "configs/none.py", shipped_configs() / "none.py"):
        assert f"  - {tried}\n" in text
    with pytest.raises(FileNotFoundError) as error:
        find_metainfo_file(tmp_path / "none.py")
    assert str(error.value).count("  - ") == 1


def test_a_file_without_dataset_info_is_refused(tmp_path):
    path = tmp_path / "model.py"
    path.write_text("model = dict(type='A')\noptimizer = 1\n")
    with pytest.raises(ValueError, match=r"model.py is no metainfo file.*\(it defines model, optimizer\)"):
        parse_pose_metainfo({"from_file": str(path)})


def test_an_unknown_key_beside_from_file_is_refused(tiny):
    with pytest.raises(ValueError, match="unknown keys joint_weight; allowed are dataset_name"):
        parse_pose_metainfo({"from_file": str(tiny), "joint_weight": [1]})


def test_findings_name_the_file_and_the_keys_replaced(tiny):
    with pytest.raises(ValueError, match=r"tiny.py with sigmas of the config: .*\n  - sigmas has 3 values for 2"):
        parse_pose_metainfo({"from_file": str(tiny), "sigmas": [1, 1, 1]})


@pytest.mark.parametrize("metainfo", ["coco.py", None, 3])
def test_another_type_than_a_dict_is_refused(metainfo):
    with pytest.raises(TypeError, match="metainfo must be a dict such as"):
        parse_pose_metainfo(metainfo)


def test_a_path_of_another_type_is_refused():
    with pytest.raises(TypeError, match="from_file must be a path, got int: 3"):
        parse_pose_metainfo({"from_file": 3})


def test_half_a_parsed_dict_is_refused(tiny):
    parsed = parse_pose_metainfo({"from_file": str(tiny)})
    parsed.pop("sigmas")
    with pytest.raises(ValueError, match="the parsed metainfo lacks sigmas"):
        parse_pose_metainfo(parsed)


def test_a_union_of_a_config_is_the_shipped_file():
    config = ConfigDict(metainfo={"union": ["coco", "aic"]})
    _same(
        parse_pose_metainfo(config.metainfo), parse_pose_metainfo({"from_file": "configs/_base_/datasets/coco_aic.py"})
    )


def test_a_union_takes_names_files_dicts_and_other_unions(tiny):
    parts = ["coco", str(tiny), {"from_file": str(tiny)}, {"union": ["aic"]}, named_keypoint_set("coco")]
    names = keypoint_set({"union": parts}).keypoint_names
    assert names == (*named_keypoint_set("coco").keypoint_names, "left", "right", "head_top", "neck")


def test_keys_of_the_config_replace_those_of_a_union():
    sigmas = [0.1] * 19
    ours = keypoint_set({"union": ["coco", "aic"], "dataset_name": "ours", "sigmas": sigmas})
    assert ours.name == "ours"
    np.testing.assert_array_equal(ours.sigmas, np.float32(sigmas))
    assert ours.keypoint_names == named_keypoint_set("coco_aic").keypoint_names
    with pytest.raises(ValueError, match=r"union of coco, aic with sigmas of the config: .*\n.*sigmas has 2 values"):
        keypoint_set({"union": ["coco", "aic"], "sigmas": [0.1, 0.1]})


@pytest.mark.parametrize(
    ("metainfo", "kind", "words"),
    [
        ({"union": "coco"}, TypeError, "union is 'coco'; give a list of data sets, such as"),
        ({"union": []}, ValueError, "union: no keypoint set is given"),
        ({"union": ["coco", "aik"]}, FileNotFoundError, "no metainfo of a data set 'aik'. Shipped are 300w, aic"),
        (
            {"union": ["coco"], "names": []},
            ValueError,
            "beside union=['coco'], the unknown keys names; allowed are aliases",
        ),
        ({"union": [3]}, TypeError, "metainfo must be a dict such as"),
    ],
)
def test_a_union_that_cannot_be_made_is_said_in_words(metainfo, kind, words):
    with pytest.raises(kind) as raised:
        keypoint_set(metainfo)
    assert words in str(raised.value)


def test_a_dataset_info_is_given_as_it_is_written(tiny):
    assert dataset_info_of("coco")["paper_info"]["title"] == "Microsoft COCO: Common Objects in Context"
    assert dataset_info_of({"from_file": str(tiny), "sigmas": []})["sigmas"] == []
    assert dataset_info_of({"dataset_name": "inline"}) == {"dataset_name": "inline"}


def test_files_of_unions_converters_and_aliases_are_found_beside_the_config(tiny):
    (tiny.parent / "mine.json").write_text("{}")
    config = {
        "metainfo": {"union": ["coco", "tiny.py", {"from_file": "tiny.py"}]},
        "pipeline": [{"source": "tiny.py", "target": "coco", "aliases": ["mine.json"]}],
    }
    resolve_metainfo_paths(config, tiny.parent)
    assert config["metainfo"] == {"union": ["coco", str(tiny), {"from_file": str(tiny)}]}
    assert config["pipeline"] == [{"source": str(tiny), "target": "coco", "aliases": [str(tiny.parent / "mine.json")]}]


@pytest.mark.parametrize("name", ["coco", "coco_aic", "interhand3d"])
def test_a_keypoint_set_writes_the_dataset_info_that_it_was_read_from(name):
    read = named_keypoint_set(name)
    info, written = dataset_info_of(name), read.dataset_info()
    assert written.keys() <= info.keys()
    for key in ("dataset_name", "keypoint_info", "skeleton_info", "joint_weights", "sigmas"):
        assert written[key] == info[key], key
