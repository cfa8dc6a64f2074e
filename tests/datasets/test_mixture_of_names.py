"""Converters that speak by name, in the pipelines of a mixture's sources."""

from __future__ import annotations

import numpy as np
import pytest
from mmengine.dataset import BaseDataset, RepeatDataset

from mmpose_mix.datasets import CombinedDataset
from mmpose_mix.metainfo import named_keypoint_set, parse_pose_metainfo
from mmpose_mix.transforms import KeypointConverter


class Source(BaseDataset):
    """Three items with the keypoints of a data set, each at the place of its id."""

    def __init__(self, name, *converters):
        self.kind = name
        super().__init__(
            metainfo=dict(parse_pose_metainfo({"union": [name]})), pipeline=list(converters), serialize_data=False
        )

    def load_data_list(self):
        count = named_keypoint_set(self.kind).num_keypoints
        points = np.tile(np.arange(count, dtype=np.float32)[None, :, None], (1, 1, 2)) + 1
        return [{"keypoints": points, "keypoints_visible": np.ones((1, count), np.float32)} for _ in range(3)]


def _mixture(*sources, target="coco", **arguments):
    return CombinedDataset({"union": [target]}, list(sources), **arguments)


def test_auto_needs_neither_source_nor_target_inside_of_a_mixture():
    mixture = _mixture(Source("coco"), Source("aic", KeypointConverter(mapping="auto")))
    item = mixture[3]
    names = named_keypoint_set("aic").keypoint_ids
    for i, name in enumerate(named_keypoint_set("coco").keypoint_names):
        assert item["keypoints"][0, i, 0] == (names[name] + 1 if name in names else 0)


def test_converters_are_told_through_wrappers_and_nested_mixtures():
    inner = CombinedDataset(
        {"union": ["crowdpose"]},
        [Source("aic", KeypointConverter(mapping="auto"))],
        [KeypointConverter(mapping="auto")],
    )
    wrapped = RepeatDataset(Source("mpii", KeypointConverter(mapping="auto")), 2)
    mixture = _mixture(inner, wrapped, target="halpe26")
    ids = named_keypoint_set("halpe26").keypoint_ids
    assert mixture[0]["keypoints"][0, ids["head"], 0] == named_keypoint_set("aic").keypoint_ids["head_top"] + 1
    assert mixture[3]["keypoints"][0, ids["neck"], 0] == named_keypoint_set("mpii").keypoint_ids["upper_neck"] + 1


def test_a_second_converter_reads_what_the_first_one_ends_in():
    chain = Source("aic", KeypointConverter(mapping="auto", target="crowdpose"), KeypointConverter(mapping="auto"))
    mixture = _mixture(chain, target="halpe26")
    assert [step.source.name for step in chain.pipeline.transforms] == ["aic", "crowdpose"]
    assert mixture[0]["keypoints"].shape == (1, 26, 2)


def test_all_sources_whose_names_do_not_fit_are_said_at_once():
    with pytest.raises(ValueError, match="datasets") as raised:
        _mixture(
            Source("aic", KeypointConverter(mapping=[("left_hnd", "left_wrist")])),
            Source("aic", KeypointConverter(mapping="auto", require=["nose"])),
            Source("aic", KeypointConverter(mapping="auto", source="crowdpose", target="coco")),
            Source("aic", KeypointConverter(mapping="auto", target="ochuman")),
            Source("coco", KeypointConverter(mapping="auto", target="aic")),
        )
    words = str(raised.value).splitlines()
    text = str(raised.value)
    assert "CombinedDataset.datasets[0] (Source): KeypointConverter: mapping of 'aic' to 'coco':" in text
    assert "source 'left_hnd' is no keypoint of 'aic'" in text
    assert "CombinedDataset.datasets[1] (Source): KeypointConverter: mapping of 'aic' to 'coco': require names" in text
    assert (
        "CombinedDataset.datasets[2] (Source): its KeypointConverter reads the keypoints of 'crowdpose', but those of "
        "'aic' arrive there. Name that source, or leave source out." in words
    )
    assert "datasets[3]" not in text  # OCHuman's keypoints are COCO's
    assert "CombinedDataset.datasets[4] (Source): delivers 14 keypoints" in text


def test_a_converter_to_as_many_keypoints_of_another_set_is_found():
    with pytest.raises(ValueError, match="ends in the keypoints of 'aic', but the mixture has those of 'crowdpose'"):
        _mixture(Source("coco", KeypointConverter(mapping="auto", target="aic")), target="crowdpose")


def test_a_source_without_metainfo_has_to_be_named():
    class Bare(Source):
        METAINFO = {}

        @property
        def metainfo(self):
            return {}

    with pytest.raises(
        ValueError, match="its KeypointConverter speaks of names, but which keypoints arrive there is unknown"
    ):
        _mixture(Bare("aic", KeypointConverter(mapping="auto")))
    assert _mixture(Bare("aic", KeypointConverter(mapping="auto", source="aic")))[0]["keypoints"].shape == (1, 17, 2)


def test_pairs_of_ids_are_left_as_they_are():
    converter = KeypointConverter(17, [(0, 6)])
    _mixture(Source("aic", converter))
    assert (converter.source, converter.target, converter.matching) == (None, None, None)
