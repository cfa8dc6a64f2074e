"""The adapter of names: what a converter says in a config, and when it learns the keypoint sets."""

from __future__ import annotations

import json

import numpy as np
import pytest
from mmengine.config import Config

from mmpose_mix.keypoints.mapping import PointRule
from mmpose_mix.metainfo import named_keypoint_set, shipped_configs
from mmpose_mix.registry import TRANSFORMS
from mmpose_mix.transforms import KeypointConverter

SHIPPED_PAIRS = Config.fromfile(shipped_configs() / "_base_" / "mappings" / "coco_aic.py")


@pytest.mark.parametrize("mapping", ["auto", [(name, name) for name in named_keypoint_set("aic").keypoint_names[:12]]])
def test_names_give_the_shipped_pairs_of_merge(mapping):
    converter = TRANSFORMS.build({"type": "KeypointConverter", "mapping": mapping, "source": "aic", "target": "coco"})
    assert converter.is_bound
    assert converter.num_keypoints == 17
    assert sorted(converter.keypoint_mapping.pairs) == SHIPPED_PAIRS.aic_to_coco


def test_names_give_the_shipped_pairs_of_combine():
    aic = KeypointConverter(mapping="auto", source="aic", target="coco_aic")
    coco = KeypointConverter(19, "auto", source="coco", target={"union": ["coco", "aic"]})
    assert sorted(aic.keypoint_mapping.pairs) == SHIPPED_PAIRS.aic_to_coco_aic
    assert list(coco.keypoint_mapping.pairs) == SHIPPED_PAIRS.coco_to_coco_aic


def test_keypoint_sets_are_named_by_data_set_file_or_dict(tmp_path):
    file = shipped_configs() / "_base_" / "datasets" / "aic.py"
    given = ["aic", "configs/_base_/datasets/aic.py", file, {"from_file": str(file)}, named_keypoint_set("aic")]
    pairs = [KeypointConverter(mapping="auto", source=one, target="coco").keypoint_mapping.pairs for one in given]
    assert all(each == pairs[0] for each in pairs)


def test_a_config_from_json_says_the_same():
    text = """{"type": "KeypointConverter", "source": "coco", "target": "crowdpose",
        "mapping": "auto", "points": {"neck": [["left_shoulder", 0.5], ["right_shoulder", 0.5]]},
        "visible": "any", "drop": ["left_hip"]}"""
    converter = TRANSFORMS.build(json.loads(text))
    assert converter.keypoint_mapping.rules == ((13, PointRule(visible="any")),)
    assert [row.how for row in converter.matching.keypoints if row.target in ("neck", "left_hip")] == [
        "dropped",
        "derived",
    ]


def test_a_neck_from_shoulders_is_placed_between_those_in_sight():
    arguments = {"mapping": {"neck": ["left_shoulder", "right_shoulder"]}, "source": "coco", "target": "coco_aic"}
    keypoints, visible = np.zeros((2, 17, 2), np.float32), np.ones((2, 17), np.float32)
    keypoints[:, 5], keypoints[:, 6], visible[1, 6] = (2, 4), (6, 8), 0
    sample = {"keypoints": keypoints, "keypoints_visible": visible}
    strict, lenient = KeypointConverter(**arguments)(sample), KeypointConverter(**arguments, visible="any")(sample)
    assert strict["keypoints"][:, 18].tolist() == [[4, 6], [0, 0]]
    assert lenient["keypoints"][:, 18].tolist() == [[4, 6], [2, 4]]
    assert lenient["keypoints_visible"][:, 18].tolist() == [[1, 1], [1, 1]]


def test_rules_hold_for_pairs_of_ids_as_well():
    converter = KeypointConverter(2, [((0, 1), 0), (1, 1)], visible="any")
    assert converter.keypoint_mapping.rules == ((0, PointRule(visible="any")),)
    out = converter({"keypoints": np.float32([[[2, 2], [0, 0]]]), "keypoints_visible": np.float32([[1, 0]])})
    assert out["keypoints"].tolist() == [[[2, 2], [0, 0]]]


def test_without_keypoint_sets_a_converter_of_names_waits_for_them():
    converter = KeypointConverter(mapping="auto")
    assert (converter.is_bound, converter.num_keypoints) == (False, None)
    with pytest.raises(
        ValueError, match=r"mapping='auto' speaks of names, but source and target are unknown\. Give source"
    ):
        converter({"keypoints": np.zeros((1, 14, 2))})
    converter.bind(named_keypoint_set("aic"), named_keypoint_set("coco"))
    assert converter.keypoint_mapping.num_keypoints == 17
    converter.bind(named_keypoint_set("coco"), named_keypoint_set("aic"))
    assert (converter.source.name, converter.target.name) == ("aic", "coco")


def test_what_is_given_goes_before_what_it_is_told():
    converter = KeypointConverter(mapping="auto", target="coco_aic")
    assert converter.num_keypoints == 19
    with pytest.raises(ValueError, match="source is unknown"):
        converter.keypoint_mapping.pairs  # noqa: B018
    converter.bind(named_keypoint_set("aic"), named_keypoint_set("coco"))
    assert (converter.source.name, converter.target.name) == ("aic", "coco_aic")


def test_pairs_of_ids_need_no_keypoint_set_unless_something_is_asked_of_names():
    assert KeypointConverter(2, [(0, 0)]).is_bound
    assert not KeypointConverter(2, [(0, 0)], require=["left_hip"]).is_bound
    assert not KeypointConverter(mapping=[(0, 0)]).is_bound
    assert KeypointConverter(mapping=[(0, 6)], source="aic", target="coco").matching.keypoints[6].how == "same name"


def test_users_extend_the_aliases_by_file(tmp_path):
    (tmp_path / "mine.json").write_text(
        json.dumps(
            {
                "citations": {"me": "our own annotation guide"},
                "same_joint": [{"joint": "neck", "names": ["coco:nose"], "from": ["me"], "why": "for this test"}],
            }
        )
    )
    arguments = {"mapping": "auto", "source": "aic", "target": "coco"}
    assert not KeypointConverter(**arguments).keypoint_mapping.labelled[0]
    for files in (str(tmp_path / "mine.json"), [tmp_path / "mine.json"]):
        row = KeypointConverter(**arguments, aliases=files).matching.keypoints[0]
        assert (row.how, row.sources) == ("alias", ("neck",))
        assert row.why == "for this test [our own annotation guide]"


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({}, TypeError, "KeypointConverter: mapping is missing; give pairs, a dict of points, or 'auto'"),
        ({"mapping": "auto", "visible": "most"}, ValueError, "visible='most' is no rule of visibility"),
        (
            {"mapping": "auto", "source": "aik"},
            FileNotFoundError,
            "no metainfo of a data set 'aik'. Shipped are 300w, aic",
        ),
        ({"mapping": "auto", "aliases": "no.json"}, FileNotFoundError, "The alias file no.json does not exist"),
        (
            {"mapping": "auto", "source": "aic", "target": "coco", "num_keypoints": 19},
            ValueError,
            "num_keypoints=19, but the target 'coco' has 17. Leave num_keypoints out, or name another target",
        ),
        ({"mapping": [(0, 0)], "target": "coco", "num_keypoints": 19}, ValueError, "num_keypoints=19, but the target"),
        (
            {"mapping": "auto", "source": "aic", "target": "coco", "require": ["nose"]},
            ValueError,
            "KeypointConverter: mapping of 'aic' to 'coco': require names targets that stay without a source: nose",
        ),
    ],
)
def test_what_a_config_says_wrongly_is_refused_when_built(arguments, kind, words):
    with pytest.raises(kind) as raised:
        KeypointConverter(**arguments)
    assert words in str(raised.value)
