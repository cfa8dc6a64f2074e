"""What is said about configs of sources and transforms that cannot be built."""

from __future__ import annotations

import re
from typing import Any

import pytest
from mmengine.registry import DefaultScope

from mmpose_mix.datasets import CocoDataset, CombinedDataset
from mmpose_mix.datasets.building import built_sources, built_transforms
from mmpose_mix.transforms import GetBBoxCenterScale
from tests.datasets.mixture_parts import COCO, listed

ABSENT = {"type": "CocoDataset", "ann_file": "absent.json"}


def refusal(kind: type[Exception], datasets: list, **options: Any) -> list[str]:
    with DefaultScope.overwrite_default_scope("mmpose_mix"), pytest.raises(kind) as caught:
        CombinedDataset(COCO, datasets, **options)
    assert type(caught.value) is kind
    return str(caught.value).splitlines()


def test_configs_are_built_and_objects_are_taken_as_they_are():
    source, transform = listed("a", 2), GetBBoxCenterScale()
    assert built_sources([source], "datasets") == [source]
    built = built_transforms([transform, {"type": "mmpose_mix.GetBBoxCenterScale", "padding": 2}], "pipeline")
    assert built[0] is transform
    assert built[1].padding == 2


def test_every_source_that_cannot_be_built_is_named_with_its_place():
    lines = refusal(
        ValueError,
        [
            {"type": "CocoDatset"},
            listed("a", 2),
            {"ann_file": "x.json"},
            ABSENT,
            {"type": "CocoDataset", "fine": 1, "pipline": []},
            {"type": 5},
        ],
    )
    words = [
        r"CombinedDataset\.datasets\[0\] \(CocoDatset\): there is no dataset of that name .*Do you mean 'CocoDataset'",
        r"CombinedDataset\.datasets\[2\] \(no type\): the config names no class: .*x\.json.* Give it a 'type'",
        r"CombinedDataset\.datasets\[3\] \(CocoDataset\): there is no annotation file 'absent\.json'",
        r"CombinedDataset\.datasets\[4\] \(CocoDataset\): unknown fine, pipline; allowed are ann_file, .*pipeline",
        r"CombinedDataset\.datasets\[5\] \(5\): type must be a str",
    ]
    assert len(lines) == len(words)
    for line, expected in zip(lines, words):
        assert re.match(expected, line), line


def test_errors_of_one_kind_stay_of_that_kind():
    assert len(refusal(FileNotFoundError, [ABSENT, ABSENT])) == 2
    assert len(refusal(TypeError, [{"type": "AicDataset", "fine": 1}])) == 1


def test_the_cause_is_kept():
    with pytest.raises(FileNotFoundError) as caught:
        built_sources([ABSENT], "datasets")
    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_nested_mixture_says_where_in_itself():
    inner = {"type": "CombinedDataset", "metainfo": COCO, "datasets": [ABSENT]}
    (line,) = refusal(FileNotFoundError, [listed("a", 1), inner])
    assert line.startswith("CombinedDataset.datasets[1] (CombinedDataset): datasets[0] (CocoDataset): there is no")


def test_a_data_set_that_was_built_lazily_is_named_as_well():
    lazy = CocoDataset(ann_file="absent.json", lazy_init=True)
    (line,) = refusal(FileNotFoundError, [listed("a", 1), lazy])
    assert line.startswith("CombinedDataset.datasets[1] (CocoDataset): there is no annotation file")


def test_every_transform_that_cannot_be_built_is_named_with_its_place():
    lines = refusal(
        ValueError,
        [listed("a", 1)],
        pipeline=[{"type": "LoadImge"}, {"type": "TopdownAffine", "udp": True}, 3, {"type": "LoadImage"}],
    )
    words = [
        r"CombinedDataset\.pipeline\[0\] \(LoadImge\): there is no transform of that name .*'LoadImage'",
        r"CombinedDataset\.pipeline\[1\] \(TopdownAffine\): unknown udp; missing input_size; allowed are input_size",
        r"CombinedDataset\.pipeline\[2\] \(int\): 3 must be a config dict or a callable",
    ]
    assert len(lines) == len(words)
    for line, expected in zip(lines, words):
        assert re.match(expected, line), line


@pytest.mark.parametrize("pipeline", [None, {"type": "LoadImage"}, "LoadImage"])
def test_a_pipeline_that_is_no_list_is_refused(pipeline):
    (line,) = refusal(TypeError, [listed("a", 1)], pipeline=pipeline)
    assert line == (
        f"CombinedDataset.pipeline={pipeline!r} must be a list of transforms, each a config dict or a callable."
    )


@pytest.mark.parametrize("fault", [RuntimeError, ZeroDivisionError])
def test_a_fault_of_the_code_goes_its_own_way(fault):
    class Broken:
        def full_init(self) -> None:
            raise fault("inside")

    with pytest.raises(fault, match="inside"):
        built_sources([Broken()], "datasets")
