"""The drawn annotations, read by the data sets that read COCO's and AI Challenger's."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from mmpose_mix.datasets import AicDataset, CocoDataset
from mmpose_mix.toy import DrawnMixture, draw_tiny_mixture


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory) -> DrawnMixture:
    return draw_tiny_mixture(tmp_path_factory.mktemp("drawn"), seed=2)


@pytest.mark.parametrize(("domain", "kind", "count"), [("coco", CocoDataset, 17), ("aic", AicDataset, 14)])
def test_every_drawn_person_is_an_instance(mixture, domain, kind, count):
    dataset = kind(
        data_root=str(mixture.root / domain),
        ann_file=f"annotations/{mixture.annotations(domain, 'train').name}",
        data_prefix={"img": "train/"},
    )
    people = json.loads(mixture.annotations(domain, "train").read_text())["annotations"]
    assert len(dataset) == len(people)
    for index, person in enumerate(people):
        item = dataset.get_data_info(index)
        noted = np.reshape(person["keypoints"], (count, 3))
        assert item["id"] == person["id"]
        np.testing.assert_allclose(item["keypoints"][0], noted[:, :2], atol=1e-4)
        np.testing.assert_array_equal(item["keypoints_visible"][0], np.minimum(noted[:, 2], 1))
        assert cv2.imread(item["img_path"]).shape == (120, 160, 3)
