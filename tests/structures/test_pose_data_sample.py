"""PoseDataSample: what its fields hold and refuse."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmpose_mix.structures import PoseDataSample

FIELDS = {
    "gt_instances": InstanceData(keypoints=np.zeros((1, 17, 2), np.float32)),
    "gt_instance_labels": InstanceData(keypoint_weights=torch.ones(1, 17)),
    "gt_fields": PixelData(heatmaps=torch.zeros(17, 64, 48)),
    "pred_instances": InstanceData(keypoints=np.zeros((1, 17, 2), np.float32)),
    "pred_fields": PixelData(heatmaps=torch.zeros(17, 64, 48)),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_is_kept_found_and_dropped_under_its_own_name(name):
    sample = PoseDataSample(metainfo={"img_shape": (480, 640)})
    assert name not in sample
    setattr(sample, name, FIELDS[name])
    assert name in sample
    assert getattr(sample, name) is FIELDS[name]
    assert list(sample.keys()) == [name]
    delattr(sample, name)
    assert name not in sample
    assert sample.img_shape == (480, 640)


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_that_was_not_set_raises_attribute_error(name):
    with pytest.raises(AttributeError, match=name):
        getattr(PoseDataSample(), name)


@pytest.mark.parametrize("name", FIELDS)
def test_a_value_of_another_type_is_refused_by_name(name):
    wanted = type(FIELDS[name]).__name__
    with pytest.raises(TypeError, match=rf"PoseDataSample\.{name} takes {wanted}, not dict"):
        setattr(PoseDataSample(), name, {"keypoints": 1})


def test_fields_may_be_given_at_construction_and_survive_pickle_and_copy():
    sample = PoseDataSample(metainfo={"source": 1}, **FIELDS)
    for twin in (pickle.loads(pickle.dumps(sample)), copy.deepcopy(sample), sample.to_tensor()):
        assert set(twin.keys()) == set(FIELDS)
        assert twin.source == 1
        assert torch.as_tensor(twin.gt_instances.keypoints).shape == (1, 17, 2)


def test_shared_metainfo_is_not_copied_and_no_data_field():
    sample, values = PoseDataSample(), [1, 2]
    sample.share_metainfo({"flip_indices": values, "img_id": 3})
    assert sample.metainfo == {"flip_indices": [1, 2], "img_id": 3}
    assert sample.flip_indices is values
    sample.set_field(1, "areas")
    with pytest.raises(AttributeError, match=r"\['areas'\] are data fields and cannot be metainfo too"):
        sample.share_metainfo({"areas": 2})
