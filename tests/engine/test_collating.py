"""A batch in one block: what arrives from a worker is what a worker's list of samples was."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from mmengine.structures import InstanceData, PixelData
from torch.utils.data import DataLoader

from mmpose_mix.engine import one_block_collate
from mmpose_mix.structures import PoseDataSample


def storage_of(tensor: torch.Tensor) -> Any:
    """The memory that a tensor is a view of; under this name before torch 2."""
    return tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage()


class Samples:
    """Five samples as packing makes them, of two image sizes."""

    metainfo = {"name": "samples"}

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> dict[str, Any]:
        generator = torch.Generator().manual_seed(int(index))
        sample = PoseDataSample(metainfo={"id": int(index), "flip_indices": (0, 2, 1)})
        sample.gt_instances = InstanceData(bboxes=np.full((1, 4), index, np.float32))
        sample.gt_instance_labels = InstanceData(keypoint_weights=torch.rand(1, 3, generator=generator))
        sample.gt_fields = PixelData(heatmaps=torch.rand(3, 8, 6, generator=generator))
        image = torch.randint(0, 256, (3, 32 + 2 * (index % 2), 24), dtype=torch.uint8, generator=generator)
        return {"inputs": image, "data_samples": sample}


def assert_same(batch: dict[str, Any], expected: dict[str, Any]) -> None:
    assert batch.keys() == expected.keys()
    for image, wanted in zip(batch["inputs"], expected["inputs"]):
        assert image.dtype == torch.uint8
        torch.testing.assert_close(image, wanted, rtol=0, atol=0)
    for sample, wanted in zip(batch["data_samples"], expected["data_samples"]):
        assert type(sample) is PoseDataSample
        assert sample.metainfo == wanted.metainfo
        np.testing.assert_array_equal(sample.gt_instances.bboxes, wanted.gt_instances.bboxes)
        weights = sample.gt_instance_labels.keypoint_weights
        torch.testing.assert_close(weights, wanted.gt_instance_labels.keypoint_weights, rtol=0, atol=0)
        torch.testing.assert_close(sample.gt_fields.heatmaps, wanted.gt_fields.heatmaps, rtol=0, atol=0)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_loader_gives_what_it_gives_without(workers):
    loaders = [
        DataLoader(Samples(), 2, num_workers=workers, collate_fn=each) for each in (one_block_collate, pseudo_collate)
    ]
    batches = list(zip(*loaders))
    assert len(batches) == 3
    for batch, expected in batches:
        assert_same(batch, expected)


def test_all_tensors_of_a_dtype_lie_in_one_block_of_a_plain_dict():
    items = [Samples()[index] for index in range(4)]
    arrived = pickle.loads(pickle.dumps(one_block_collate(items)))
    assert type(arrived) is dict
    assert len({storage_of(image).data_ptr() for image in arrived["inputs"]}) == 1
    floats = [sample.gt_fields.heatmaps for sample in arrived["data_samples"]]
    floats += [sample.gt_instance_labels.keypoint_weights for sample in arrived["data_samples"]]
    assert len({storage_of(tensor).data_ptr() for tensor in floats}) == 1
    assert storage_of(floats[0]).nbytes() == 4 * 4 * (3 * 8 * 6 + 3)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(3.5),
        torch.zeros(2, 0),
        torch.arange(6).view(2, 3).T,
        torch.tensor([True, False]),
        torch.ones(2, requires_grad=True),
        torch.nn.Parameter(torch.ones(2)),
        torch.eye(3).to_sparse(),
    ],
    ids=["scalar", "empty", "transposed", "bool", "with gradient", "parameter", "sparse"],
)
def test_any_tensor_arrives(tensor):
    (arrived,) = pickle.loads(pickle.dumps(one_block_collate([{"of": tensor}])))["of"]
    assert (arrived.dtype, arrived.shape) == (tensor.dtype, tensor.shape)
    torch.testing.assert_close(arrived.detach(), tensor.detach(), rtol=0, atol=0)


def test_a_tensor_that_comes_twice_is_sent_once():
    shared = torch.arange(1000.0)
    batch = one_block_collate([{"of": shared}, {"of": shared}])
    first, second = pickle.loads(pickle.dumps(batch))["of"]
    assert first.data_ptr() == second.data_ptr()
    assert storage_of(first).nbytes() == 4000


def test_a_config_names_it():
    loader = Runner.build_dataloader(
        {
            "batch_size": 2,
            "num_workers": 0,
            "dataset": Samples(),
            "sampler": {"type": "DefaultSampler", "shuffle": False},
            "collate_fn": {"type": "mmpose_mix.one_block_collate"},
        }
    )
    assert_same(next(iter(loader)), pseudo_collate([Samples()[0], Samples()[1]]))
