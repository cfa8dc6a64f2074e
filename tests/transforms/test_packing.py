"""Loading, targets and packing: the two ends of a pipeline."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader

from mmpose_mix.codecs import BaseKeypointCodec
from mmpose_mix.registry import KEYPOINT_CODECS, TRANSFORMS
from mmpose_mix.transforms import GenerateTarget, GetBBoxCenterScale, LoadImage, PackPoseInputs, TopdownAffine
from mmpose_mix.transforms.packing import image_to_tensor

CODEC = {"type": "MSRAHeatmap", "input_size": (24, 32), "heatmap_size": (6, 8), "sigma": 1}


def prepared(sample):
    return TopdownAffine(input_size=(24, 32))(GetBBoxCenterScale()(sample))


class TestLoadImage:
    def test_an_image_is_read_as_bgr_bytes_with_its_shape(self, pose_samples):
        path = str(pose_samples / "coco" / "000000000785.jpg")
        sample = LoadImage()({"img_path": path})
        assert sample["img"].dtype == np.uint8
        assert sample["img_shape"] == sample["ori_shape"] == sample["img"].shape[:2]
        assert LoadImage(to_float32=True)({"img_path": path})["img"].dtype == np.float32

    def test_only_local_files_are_opened_without_a_backend_of_mmengine(self, pose_samples, monkeypatch):
        path = str(pose_samples / "coco" / "000000000785.jpg")
        asked = []

        def content(uri, backend_args=None):
            asked.append((uri, backend_args))
            return Path(path).read_bytes()

        monkeypatch.setattr("mmengine.fileio.get", content)
        local = LoadImage()({"img_path": path})["img"]
        np.testing.assert_array_equal(LoadImage()({"img_path": Path(path)})["img"], local)
        assert not asked
        for image in (
            LoadImage()({"img_path": "s3://bucket/a.jpg"})["img"],
            LoadImage(backend_args={"backend": "local"})({"img_path": path})["img"],
        ):
            np.testing.assert_array_equal(image, local)
        assert asked == [("s3://bucket/a.jpg", None), (path, {"backend": "local"})]
        with pytest.warns(DeprecationWarning, match="file_client_args"):
            old = LoadImage(file_client_args={"backend": "disk"})
        np.testing.assert_array_equal(old({"img_path": path})["img"], local)

    def test_an_image_that_is_there_is_taken(self, person):
        sample = LoadImage(to_float32=True)({"img": person()["img"]})
        assert (sample["img"].dtype, sample["img_shape"], sample["img_path"]) == (np.float32, (90, 120), None)

    def test_a_missing_file_is_named_with_its_data_set(self, tmp_path):
        path = str(tmp_path / "nowhere.jpg")
        words = f"no file {re.escape(repr(path))} \\(data set 'aic', img_id 7\\). Check data_root and data_prefix"
        with pytest.raises(FileNotFoundError, match=words):
            LoadImage()({"img_path": path, "dataset_name": "aic", "img_id": 7})

    @pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 no jpeg"])
    def test_a_broken_file_is_named(self, tmp_path, content):
        path = tmp_path / "broken.jpg"
        path.write_bytes(content)
        for backend in ("cv2", "pillow"):
            words = f"{re.escape(repr(str(path)))} cannot be read as an image by the backend '{backend}'"
            with pytest.raises(OSError, match=words):
                LoadImage(imdecode_backend=backend)({"img_path": str(path)})
        assert LoadImage(ignore_empty=True)({"img_path": str(path)}) is None

    def test_a_sample_without_an_image_is_refused(self):
        with pytest.raises(ValueError, match="neither 'img_path' nor 'img'"):
            LoadImage()({"img_id": 3})
        with pytest.raises(TypeError, match=r"must be an array .*, not str"):
            LoadImage()({"img": "a.jpg"})


class TestGenerateTarget:
    def test_visibility_is_encoded_and_the_label_weight_kept_beside_it(self, person):
        sample = prepared(person(label_weight=True))
        visible, labelled = np.moveaxis(sample["keypoints_visible"], -1, 0)
        out = GenerateTarget(encoder=CODEC)(dict(sample))
        np.testing.assert_array_equal(out["keypoints_visible"], visible)
        np.testing.assert_array_equal(out["keypoints_visible_weights"], labelled)
        np.testing.assert_array_equal(out["keypoint_weights"], visible)
        expected = KEYPOINT_CODECS.build(CODEC).encode(sample["transformed_keypoints"], visible)
        np.testing.assert_array_equal(out["heatmaps"], expected["heatmaps"])
        np.testing.assert_array_equal(out["heatmaps"].any(axis=(1, 2)), visible[0] > 0)

    def test_a_source_that_was_not_converted_is_labelled_everywhere(self, person):
        out = GenerateTarget(encoder=CODEC)(prepared(person()))
        np.testing.assert_array_equal(out["keypoints_visible_weights"], np.ones((1, 17)))
        assert out["keypoints_visible"].shape == (1, 17)

    def test_the_weights_of_the_data_set_multiply(self, person):
        sample = prepared(person())
        plain = GenerateTarget(encoder=CODEC)(dict(sample))["keypoint_weights"]
        weighted = GenerateTarget(encoder=CODEC, use_dataset_keypoint_weights=True)(dict(sample))["keypoint_weights"]
        np.testing.assert_allclose(weighted, plain * np.linspace(1, 1.5, 17), rtol=1e-6)
        assert weighted.dtype == np.float32

    def test_weights_of_another_length_are_refused_by_data_set(self, person):
        # reference section 2c: MMPose's coco_aic metainfo has 18 weights for 19 keypoints
        target = GenerateTarget(encoder=CODEC, use_dataset_keypoint_weights=True)
        with pytest.raises(
            ValueError, match=r"data set 'coco' have shape \(18,\) for 17 keypoints. Check joint_weights"
        ):
            target(prepared(person(dataset_keypoint_weights=np.ones(18))))
        with pytest.raises(ValueError, match=r"have shape \(0,\) for 17 keypoints"):
            target(prepared(person(dataset_keypoint_weights=None)))

    def test_several_codecs_are_refused(self):
        # reference row C1b (weights of several codecs are dropped) cannot occur: there is one codec
        with pytest.raises(ValueError, match="encoder must be the config of one codec, a dict, not list"):
            GenerateTarget(encoder=[CODEC, CODEC])
        with pytest.raises(TypeError, match="multilevel"):
            GenerateTarget(encoder=CODEC, multilevel=True)

    def test_a_codec_gets_what_it_asks_for_and_names_what_it_gives(self, person, monkeypatch):
        class Areas(BaseKeypointCodec):
            auxiliary_encode_keys = frozenset({"area", "absent"})
            instance_mapping_table = {"bbox": "boxes"}
            label_mapping_table = {"areas": "area_labels"}

            def encode(self, keypoints, keypoints_visible=None, area=None, absent=1):
                return {"areas": np.full(len(keypoints), area, np.float32), "absent_is": absent}

            def decode(self, encoded):
                return encoded, encoded

        monkeypatch.setitem(KEYPOINT_CODECS.module_dict, "Areas", Areas)
        sample = GenerateTarget(encoder={"type": "Areas"})(prepared(person(area=12.5)))
        assert sample["absent_is"] is None
        packed = PackPoseInputs()(sample)["data_samples"]
        assert packed.gt_instance_labels.area_labels.tolist() == [12.5]
        # reference row 3B-9: the codec's table replaces the default one, and still the label weight is packed
        assert set(packed.gt_instance_labels.keys()) == {"area_labels", "keypoints_visible_weights"}
        assert set(packed.gt_instances.keys()) == {"boxes"}

    @pytest.mark.parametrize("missing", ["keypoints", "keypoints_visible"])
    def test_missing_keypoints_are_refused(self, person, missing):
        with pytest.raises(ValueError, match="the sample lacks 'keypoints_visible', or both"):
            GenerateTarget(encoder=CODEC)(person(**{missing: None}))

    def test_visibility_of_another_shape_is_refused(self, person):
        with pytest.raises(ValueError, match=r"keypoints_visible has shape \(1, 17, 3\), must be \(N, K\), or"):
            GenerateTarget(encoder=CODEC)(person(keypoints_visible=np.ones((1, 17, 3))))


# torch has no uint16 before 2.3
DTYPES = [np.uint8, *([np.uint16] if hasattr(torch, "uint16") else []), np.int64, np.float32, np.float64]


class TestPackPoseInputs:
    def test_a_training_sample_is_packed_for_model_and_loss(self, person):
        sample = GenerateTarget(encoder=CODEC)(prepared(person(label_weight=True, source=1, flip=False)))
        packed = PackPoseInputs()(sample)
        inputs, out = packed["inputs"], packed["data_samples"]
        assert (inputs.dtype, tuple(inputs.shape), inputs.is_contiguous()) == (torch.uint8, (3, 32, 24), True)
        np.testing.assert_array_equal(inputs.permute(1, 2, 0), sample["img"])
        names = {"bboxes", "bbox_scores", "bbox_scales", "keypoints", "keypoints_visible"}
        assert set(out.gt_instances.keys()) == names
        assert {type(value) for value in out.gt_instances.values()} == {np.ndarray}
        labels = dict(out.gt_instance_labels.items())
        # reference row 3B-9: a codec's own table loses the label weight in MMPose
        assert set(labels) == {"keypoint_weights", "keypoints_visible_weights"}
        assert {(value.dtype, tuple(value.shape)) for value in labels.values()} == {(torch.float32, (1, 17))}
        assert out.gt_fields.heatmaps.shape == (17, 8, 6)
        meta = {"id": 5, "img_id": 3, "category_id": 1, "dataset_name": "coco", "source": 1, "flip": False}
        assert {key: out.metainfo[key] for key in meta} == meta
        shapes = {"img_shape": (90, 120), "ori_shape": (90, 120), "input_size": (24, 32)}
        assert {key: out.metainfo[key] for key in shapes} == shapes
        assert set(out.metainfo) == {*meta, *shapes, "input_center", "input_scale", "flip_indices"}

    def test_a_test_sample_has_its_label_weight_too(self, person):
        out = PackPoseInputs()(prepared(person(label_weight=True)))["data_samples"]
        assert out.gt_instances.keypoints_visible.shape == (1, 17)
        assert out.gt_instance_labels.keypoints_visible_weights.tolist()[0][:6] == [1, 0, 0, 0, 0, 1]
        assert "gt_fields" not in out

    def test_meta_keys_and_transformed_keypoints_are_packed_on_demand(self, person):
        sample = prepared(person())
        out = PackPoseInputs(meta_keys=("img_id", "absent"), pack_transformed=True)(sample)["data_samples"]
        assert set(out.metainfo) == {"img_id"}
        np.testing.assert_array_equal(out.gt_instances.transformed_keypoints, sample["transformed_keypoints"])

    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    def test_any_image_becomes_a_tensor_of_its_own(self, dtype, channels):
        whole = np.random.default_rng(0).integers(0, 255, (7, 9, channels)).astype(dtype)
        for image in (whole, whole[1:-1, 2:-1], whole[:, ::-1]):
            tensor = image_to_tensor(image)
            assert tensor.is_contiguous()
            np.testing.assert_array_equal(tensor, image.transpose(2, 0, 1))
            assert not np.shares_memory(tensor.numpy(), whole) or channels == 1

    def test_a_grey_image_gets_a_channel_and_a_missing_one_is_refused(self, person):
        assert PackPoseInputs()(person(img=np.zeros((4, 6), np.uint8)))["inputs"].shape == (1, 4, 6)
        with pytest.raises(ValueError, match=r"has no 'img'\. Put LoadImage"):
            PackPoseInputs()(person(img=None))


class Rows(BaseDataset):
    """Instances of a COCO file, one sample each."""

    def load_data_list(self):
        content = json.loads(Path(self.ann_file).read_text())
        files = {image["id"]: image["file_name"] for image in content["images"]}
        return [self.row(files, entry) for entry in content["annotations"] if entry["num_keypoints"]]

    def row(self, files, entry):
        x, y, w, h = entry["bbox"]
        keypoints = np.array(entry["keypoints"], np.float32).reshape(1, -1, 3)
        return {
            "img_path": f"{self.data_root}/{files[entry['image_id']]}",
            "bbox": np.array([[x, y, x + w, y + h]], np.float32),
            "keypoints": keypoints[..., :2].copy(),
            "keypoints_visible": np.minimum(keypoints[..., 2], 1),
            "flip_indices": [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15],
            "upper_body_ids": list(range(11)),
            "lower_body_ids": list(range(11, 17)),
        }


@pytest.mark.parametrize("use_udp", [False, True])
def test_the_whole_pipeline_runs_on_photographs_in_workers(pose_samples, use_udp):
    sizes = {"input_size": (192, 256), "heatmap_size": (48, 64)}
    codec = {"type": "UDPHeatmap" if use_udp else "MSRAHeatmap", "sigma": 2, **sizes}
    pipeline = [
        {"type": "LoadImage"},
        {"type": "GetBBoxCenterScale"},
        {"type": "RandomFlip"},
        {"type": "RandomHalfBody"},
        {"type": "RandomBBoxTransform"},
        {"type": "TopdownAffine", "input_size": (192, 256), "use_udp": use_udp},
        {"type": "GenerateTarget", "encoder": codec},
        {"type": "PackPoseInputs", "pack_transformed": True},
    ]
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        steps = [TRANSFORMS.build(step) for step in pipeline]
        dataset = Rows(ann_file="test_coco.json", data_root=str(pose_samples / "coco"), pipeline=steps)
    loader = DataLoader(dataset, batch_size=4, num_workers=2, collate_fn=pseudo_collate)
    decoder = KEYPOINT_CODECS.build(codec)
    seen = 0
    for batch in loader:
        for inputs, sample in zip(batch["inputs"], batch["data_samples"]):
            assert inputs.shape == (3, 256, 192)
            decoded, _ = decoder.decode(sample.gt_fields.heatmaps.numpy())
            points = sample.gt_instances.transformed_keypoints
            inner = (np.abs(points - (96, 128)) < (80, 112)).all(axis=-1)
            drawn = inner & (sample.gt_instance_labels.keypoint_weights.numpy() > 0)
            scale = (np.array([191, 255]) / [192, 256]) if use_udp else 1
            assert np.abs(decoded * scale - points)[drawn].max(initial=0) < (0.2 if use_udp else 2.01)
            seen += int(drawn.sum())
    assert len(dataset) >= 10
    assert seen > 50


@pytest.mark.parametrize("meta_keys", ["img_id", ["id", 5]])
def test_meta_keys_that_are_no_list_of_keys_are_refused(meta_keys):
    with pytest.raises(ValueError, match=r"PackPoseInputs: meta_keys=.* must be a list of keys"):
        PackPoseInputs(meta_keys=meta_keys)
