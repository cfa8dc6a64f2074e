from __future__ import annotations

import json

import pytest
from mmengine.config import Config

from mmpose_mix.cli import main
from mmpose_mix.metainfo import shipped_configs

SHIPPED = shipped_configs() / "_base_" / "datasets" / "coco_aic.py"


def test_the_shipped_union_is_what_the_command_writes(tmp_path, capsys):
    out = tmp_path / "deep" / "coco_aic.py"
    assert main(["union", "coco", "aic", "-o", str(out)]) == 0
    assert out.read_text() == SHIPPED.read_text()
    assert capsys.readouterr().out == f"{out}: 19 keypoints of coco, aic\n"
    assert main(["union", "coco", "aic"]) == 0
    assert capsys.readouterr().out == SHIPPED.read_text()


def test_a_file_with_other_contents_is_kept_unless_forced(tmp_path):
    out = tmp_path / "set.py"
    out.write_text("mine")
    with pytest.raises(SystemExit, match=r"set\.py exists with other contents\. Give --force"):
        main(["union", "coco", "aic", "-o", str(out)])
    assert out.read_text() == "mine"
    assert main(["union", "coco", "aic", "--name", "ours", "-o", str(out), "--force"]) == 0
    assert Config.fromfile(out).dataset_info.dataset_name == "ours"
    assert "`mmpose-mix union coco aic --name ours`" in out.read_text()
    assert main(["union", "coco", "aic", "--name", "ours", "-o", str(out)]) == 0


def test_papers_of_all_sets_are_named_once(tmp_path):
    main(["union", "coco", "aic", str(SHIPPED), "-o", str(tmp_path / "set.py")])
    assert len(Config.fromfile(tmp_path / "set.py").dataset_info.paper_info) == 2


def test_map_prints_the_pairs_that_a_config_takes(tmp_path, capsys):
    assert main(["map", "aic", "coco_aic"]) == 0
    (tmp_path / "pairs.py").write_text(capsys.readouterr().out)
    shipped = Config.fromfile(shipped_configs() / "_base_" / "mappings" / "coco_aic.py")
    assert sorted(map(tuple, Config.fromfile(tmp_path / "pairs.py").mapping)) == sorted(shipped.aic_to_coco_aic)


def test_map_says_why(capsys):
    assert main(["map", "mpii", "crowdpose", "--why", "--drop", "left_hip"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("mpii -> crowdpose: 13 of 14 target keypoints are labelled\n")
    assert "neck            alias      upper_neck" in out
    assert "left_hip        dropped" in out


@pytest.mark.parametrize(
    ("given", "count"),
    [([], 13), (["--approximate"], 14), (["--approximate", "top_head"], 14), (["--approximate", "neck"], 13)],
)
def test_map_allows_what_is_near_for_all_or_for_some(given, count, capsys):
    main(["map", "jhmdb", "crowdpose", "--json", *given])
    found = json.loads(capsys.readouterr().out)
    assert len(found["mapping"]) == count
    assert [row["target"] for row in found["keypoints"] if row["approximate"]] == ["top_head"] * (count - 13)
    assert {"source": "belly", "why": "no target keypoint is this joint"} in found["unused"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["map", "aik", "coco"], "mmpose-mix map: There is no metainfo of a data set 'aik'. Shipped are 300w"),
        (["map", "aic", "coco", "--require", "nose"], "require names targets that stay without a source: nose"),
        (["map", "aic", "coco", "--drop", "nos"], "drop: 'nos' is no keypoint of 'coco'; do you mean 'nose'"),
        (["map", "aic", "coco", "--aliases", "no.json"], "The alias file no.json does not exist"),
        (["union", "coco", "aik"], "mmpose-mix union: There is no metainfo of a data set 'aik'"),
    ],
)
def test_mistakes_end_in_one_message(arguments, words):
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert words in str(raised.value)
