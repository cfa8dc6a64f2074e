"""Targets that are encoded for the whole batch, on the device: the same as those encoded sample by sample."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper
from torch.utils.data import DataLoader

from mmpose_mix.codecs import MSRAHeatmap, UDPHeatmap
from mmpose_mix.models import PoseDataPreprocessor
from mmpose_mix.registry import KEYPOINT_CODECS, MODELS
from mmpose_mix.transforms import GenerateTarget, PackPoseInputs

SIZES = {"input_size": (24, 32), "heatmap_size": (6, 8)}
CODECS = {
    "msra": {"type": "MSRAHeatmap", "sigma": 1, **SIZES},
    "msra_narrow": {"type": "MSRAHeatmap", "sigma": 0.3, **SIZES},
    "dark": {"type": "MSRAHeatmap", "sigma": 1.5, "unbiased": True, **SIZES},
    "udp": {"type": "UDPHeatmap", "sigma": 1.1, **SIZES},
    "combined": {"type": "UDPHeatmap", "heatmap_type": "combined", "radius_factor": 0.25, **SIZES},
}
# far outside, borders, halves of pixels, and anything between
COORDINATES = st.one_of(
    st.sampled_from([-1e5, -14.0, -12.0, -2.0, -0.5, 0.0, 2.0, 6.0, 10.0, 23.0, 24.0, 31.0, 32.0, 44.0, 1e5]),
    st.floats(-40, 60, width=32),
)
VISIBILITIES = st.sampled_from([0.0, 0.3, 0.5, 1.0])


@st.composite
def batches(draw, instances=1):
    """Keypoints (B, N, K, 2) and visibilities (B, N, K), float32."""
    shape = draw(st.integers(1, 3)), instances, draw(st.integers(1, 4))
    count = int(np.prod(shape))
    points = draw(st.lists(COORDINATES, min_size=2 * count, max_size=2 * count))
    visible = draw(st.lists(VISIBILITIES, min_size=count, max_size=count))
    return np.array(points, np.float32).reshape(*shape, 2), np.array(visible, np.float32).reshape(shape)


def check_that_a_batch_is_encoded_like_its_samples(config, keypoints, visible):
    codec = KEYPOINT_CODECS.build(config)
    maps, weights = codec.encode_batch(keypoints, visible, torch.device("cpu"))
    assert (maps.dtype, weights.dtype) == (torch.float32, np.float32)
    for number in range(len(keypoints)):
        single = codec.encode(keypoints[number], visible[number])
        np.testing.assert_allclose(maps[number], single["heatmaps"], rtol=0, atol=1e-5)
        np.testing.assert_array_equal(weights[number], single["keypoint_weights"])


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=150, deadline=None)
@given(batch=batches())
def test_a_batch_is_encoded_like_its_samples(name, batch):
    keypoints, visible = batch
    if name == "combined":  # offsets grow with the distance, and float32 with them
        keypoints = keypoints.clip(-60, 60)
    check_that_a_batch_is_encoded_like_its_samples(CODECS[name], keypoints, visible)


@pytest.mark.parametrize("name", ["msra", "dark", "udp"])
@settings(max_examples=60, deadline=None)
@given(batch=batches(instances=3))
def test_instances_that_share_maps_meet_by_their_maximum(name, batch):
    check_that_a_batch_is_encoded_like_its_samples(CODECS[name], *batch)


@pytest.mark.parametrize("name", ["msra", "dark", "udp"])
def test_no_instances_give_empty_maps(name):
    codec = KEYPOINT_CODECS.build(CODECS[name])
    maps, weights = codec.encode_batch(np.zeros((2, 0, 3, 2), np.float32), np.zeros((2, 0, 3), np.float32), "cpu")
    assert (tuple(maps.shape), maps.any().item(), weights.shape) == ((2, 3, 8, 6), False, (2, 0, 3))


def test_combined_maps_of_several_instances_are_refused():
    with pytest.raises(ValueError, match=r"takes one instance, but 2 were given\. Use heatmap_type='gaussian'"):
        UDPHeatmap(**SIZES, heatmap_type="combined").encode_batch(
            np.zeros((1, 2, 3, 2), np.float32), np.ones((1, 2, 3), np.float32), torch.device("cpu")
        )


def samples(count=5, num_keypoints=3, seed=0):
    """Samples as they reach ``GenerateTarget``, with a keypoint in every second that is not labelled."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        visible = rng.choice(np.float32([0, 1]), (1, num_keypoints))
        labelled = np.ones_like(visible)
        labelled[:, 0] = number % 2
        yield {
            "img": rng.integers(0, 255, (32, 24, 3)).astype(np.uint8),
            "img_id": number,
            "keypoints": rng.uniform(0, 500, (1, num_keypoints, 2)).astype(np.float32),
            "transformed_keypoints": rng.uniform((-14, -14), (40, 46), (1, num_keypoints, 2)).astype(np.float32),
            "keypoints_visible": np.stack((visible * labelled, labelled), axis=-1),
            "dataset_keypoint_weights": np.linspace(0, 1.5, num_keypoints, dtype=np.float32),
        }


class Packed(torch.utils.data.Dataset):
    """Samples through ``GenerateTarget`` and ``PackPoseInputs``."""

    def __init__(self, config, **options):
        self.steps = GenerateTarget(encoder=config, **options), PackPoseInputs()

    def __len__(self):
        return 5

    def __getitem__(self, index):
        sample = list(samples())[index]
        for step in self.steps:
            sample = step(sample)
        return sample


def prepared(config, **options):
    return PoseDataPreprocessor()(pseudo_collate(list(map(Packed(config, **options).__getitem__, range(5)))))


@pytest.mark.parametrize("use_dataset_keypoint_weights", [False, True])
@pytest.mark.parametrize("name", CODECS)
def test_the_preprocessor_leaves_samples_as_if_workers_had_encoded(name, use_dataset_keypoint_weights):
    options = {"use_dataset_keypoint_weights": use_dataset_keypoint_weights}
    worker, device = (prepared(CODECS[name], on_device=here, **options)["data_samples"] for here in (False, True))
    for wanted, given_ in zip(worker, device):
        assert given_.keys() == wanted.keys()
        assert set(given_.gt_instance_labels.keys()) == set(wanted.gt_instance_labels.keys())
        for key, value in wanted.gt_instance_labels.items():
            torch.testing.assert_close(given_.gt_instance_labels.get(key), value, rtol=0, atol=0)
        torch.testing.assert_close(given_.gt_fields.heatmaps, wanted.gt_fields.heatmaps, rtol=0, atol=1e-5)
    weights = torch.cat([sample.gt_instance_labels.keypoint_weights for sample in device])
    assert len(weights.unique()) == (3 if use_dataset_keypoint_weights else 2)


def test_a_packed_sample_holds_keypoints_in_the_place_of_maps_and_may_be_prepared_twice():
    batch = pseudo_collate([Packed(CODECS["msra"], on_device=True)[0]])
    (sample,) = batch["data_samples"]
    assert "gt_fields" not in sample
    assert set(sample.gt_instance_labels.keys()) == {"keypoints_visible_weights"}
    np.testing.assert_array_equal(sample.unencoded_targets.keypoints, next(samples())["transformed_keypoints"])
    first, second = (PoseDataPreprocessor()(batch)["data_samples"][0] for _ in range(2))
    torch.testing.assert_close(first.gt_fields.heatmaps, second.gt_fields.heatmaps, rtol=0, atol=0)


def test_sources_with_codecs_of_their_own_are_encoded_each_by_its_own():
    wide = {**CODECS["msra"], "sigma": 2}
    steps = [Packed(CODECS["msra"], on_device=True), Packed(wide, on_device=True), Packed(CODECS["msra"])]
    batch = pseudo_collate([each[0] for each in (steps[0], steps[1], steps[2])])
    maps = [sample.gt_fields.heatmaps for sample in PoseDataPreprocessor()(batch)["data_samples"]]
    first = next(samples())
    visible = first["keypoints_visible"][..., 0]
    for given_, sigma in zip(maps, (1, 2, 1)):
        wanted = MSRAHeatmap(**SIZES, sigma=sigma).encode(first["transformed_keypoints"], visible)
        np.testing.assert_allclose(given_, wanted["heatmaps"], atol=1e-5)


def estimator(config, preprocessor="PoseDataPreprocessor"):
    torch.manual_seed(0)
    combined = config.get("heatmap_type") == "combined"
    model = {
        "type": "mmpose_mix.TopdownPoseEstimator",
        "data_preprocessor": {"type": preprocessor, "mean": [100.0] * 3, "std": [50.0] * 3},
        "backbone": {
            "type": "ResNet",
            "depth": 18,
            "stem_channels": 8,
            "base_channels": 8,
            "num_stages": 1,
            "strides": (1,),
            "dilations": (1,),
            "out_indices": (0,),
        },
        "head": {
            "type": "HeatmapHead",
            "in_channels": 8,
            "out_channels": 9 if combined else 3,
            "deconv_out_channels": None,
            "loss": {
                "type": "CombinedTargetMSELoss" if combined else "KeypointMSELoss",
                "use_target_weight": True,
            },
            "decoder": config,
        },
    }
    return MODELS.build(model)


def losses_of_two_steps(config, on_device, workers):
    model = estimator(config)
    wrapped = OptimWrapper(optimizer=torch.optim.SGD(model.parameters(), lr=0.1))
    dataset = Packed(config, on_device=on_device, use_dataset_keypoint_weights=True)
    found = []
    for batch in DataLoader(dataset, batch_size=3, num_workers=workers, collate_fn=pseudo_collate):
        found.append(model.train_step(batch, wrapped)["loss"].item())
    return found


@pytest.mark.parametrize(("name", "workers"), [("msra", 2), ("udp", 0), ("combined", 0)])
def test_two_training_steps_lose_as_much_as_with_targets_from_workers(name, workers):
    worker, device = (losses_of_two_steps(CODECS[name], on_device, workers) for on_device in (False, True))
    assert len(worker) == 2
    assert min(worker) > 0
    np.testing.assert_allclose(device, worker, rtol=1e-5)


def test_mixed_precision_changes_no_target():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        worker, device = (losses_of_two_steps(CODECS["udp"], on_device, 0) for on_device in (False, True))
        samples_in_half = prepared(CODECS["dark"], on_device=True)["data_samples"]
    assert {sample.gt_fields.heatmaps.dtype for sample in samples_in_half} == {torch.float32}
    np.testing.assert_allclose(device, worker, rtol=1e-5)


def test_a_codec_that_cannot_is_refused_when_the_pipeline_is_built(monkeypatch):
    monkeypatch.setattr(MSRAHeatmap, "supports_batch_encoding", False)
    with pytest.raises(ValueError, match=r"on_device=True, but MSRAHeatmap encodes samples one by one only\. Leave"):
        GenerateTarget(encoder=CODECS["msra"], on_device=True)


def test_a_preprocessor_that_does_not_encode_is_named():
    model = estimator(CODECS["msra"], "mmengine.ImgDataPreprocessor")
    batch = pseudo_collate([Packed(CODECS["msra"], on_device=True)[0]])
    data = model.data_preprocessor(batch, training=True)
    with pytest.raises(ValueError, match=r"ImgDataPreprocessor did not encode them\. Set data_preprocessor\.type"):
        model(**data, mode="loss")


def test_samples_of_different_keypoints_are_refused():
    batch = pseudo_collate([Packed(CODECS["msra"], on_device=True)[0]])
    (other,) = samples(1, num_keypoints=4)
    steps = Packed(CODECS["msra"], on_device=True).steps
    packed = pseudo_collate([steps[1](steps[0](other))])
    both = {key: batch[key] + packed[key] for key in batch}
    with pytest.raises(ValueError, match=r"\[\(1, 3\), \(1, 4\)\], must be alike\. Convert all sources"):
        PoseDataPreprocessor()(both)


def test_the_data_sets_weights_are_checked_in_the_worker():
    sample = {**next(samples()), "dataset_keypoint_weights": np.ones(2)}
    target = GenerateTarget(encoder=CODECS["msra"], on_device=True, use_dataset_keypoint_weights=True)
    with pytest.raises(ValueError, match=r"have shape \(2,\) for 3 keypoints\. Check joint_weights"):
        target(sample)
