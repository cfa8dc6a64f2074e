"""The shipped mixtures that are written by name: short, complete, and of the index tables that MMPose's have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from mmpose_mix.datasets import CombinedDataset
from mmpose_mix.engine.checked_config import check_config
from mmpose_mix.engine.launch import load_config
from mmpose_mix.keypoints.findings import NOTE
from mmpose_mix.keypoints.mapping import KeypointMapping
from mmpose_mix.metainfo import named_keypoint_set
from mmpose_mix.registry import DATASETS
from mmpose_mix.transforms import KeypointConverter
from tests.datasets import part_files

CONFIGS = Path(__file__).parents[1] / "configs"
TABLES = json.loads((Path(__file__).parent / "keypoints" / "mmpose_mappings.json").read_text())
BODY7 = ["aic", "crowdpose", "mpii", "jhmdb", "halpe", "posetrack18"]
FACES_133 = ["wflw", "300w", "cofw", "lapa"]
BODIES_133 = ["aic", "crowdpose", "mpii", "jhmdb", "posetrack18", "humanart21"]
# per experiment: its target, and the keypoint sets of its sources in order
SOURCES = {
    "body7-coco-256x192": ("coco", ["coco", *BODY7]),
    "body7-halpe26-256x192": ("halpe26", ["coco_wholebody", *BODY7]),
    "body8-coco-256x192": ("coco", ["coco", *BODY7]),
    "body8-halpe26-256x192": ("halpe26", ["coco_wholebody", *BODY7]),
    "cocktail14-256x192": (
        "coco_wholebody",
        ["coco_wholebody", "halpe", *["ubody2d"] * 15, *BODIES_133, *FACES_133, "interhand3d"],
    ),
    "face6-256x256": ("lapa", ["lapa", "coco_wholebody_face", "wflw", "300w", "cofw", "halpe"]),
    "hand5-256x256": ("coco_wholebody_hand", ["coco_wholebody_hand", "onehand10k", "freihand", "rhd2d", "halpe_hand"]),
}
# MMPose has no table of these: it takes the keypoints as they are
AS_THEY_ARE = {
    ("coco_wholebody", "coco_wholebody"),
    ("ubody2d", "coco_wholebody"),
    ("lapa", "lapa"),
    ("coco_wholebody_hand", "coco_wholebody_hand"),
    ("onehand10k", "coco_wholebody_hand"),
    ("freihand", "coco_wholebody_hand"),
    ("halpe_hand", "coco_wholebody_hand"),
}
# Reference row 2b: MMPose maps COFW's eyes by WFLW's numbers instead of LaPa's, and leaves out the pupils
COFW_EYES = {8: 66, 10: 70, 12: 68, 13: 72, 9: 79, 11: 75, 14: 77, 15: 81, 16: 104, 17: 105}
NUM_PLAIN = {
    "CocoDataset": 17, "AicDataset": 14, "CrowdPoseDataset": 14, "JhmdbDataset": 15, "HalpeDataset": 136,
    "PoseTrack18Dataset": 17, "COFWDataset": 29, "LapaDataset": 106, "OneHand10KDataset": 21, "Rhd2DDataset": 21,
    "FreiHandDataset": 21, "HalpeHandDataset": 136, "OCHumanDataset": 17,
}  # fmt: skip


def experiments() -> dict[str, Path]:
    files = [
        path for path in CONFIGS.glob("*_2d_keypoint/**/td-hm_hrnet-w32_8xb64-210e_*.py") if "aic" not in path.name
    ]
    return {path.stem.split("210e_")[1]: path for path in files}


def leaves(datasets: list[Any]) -> Iterator[dict[str, Any]]:
    """The configs of the sources, those of nested mixtures in place of the mixtures."""
    for dataset in datasets:
        if "datasets" in dataset:
            yield from leaves(dataset["datasets"])
        else:
            yield dataset


def built_leaves(mixture: CombinedDataset) -> Iterator[Any]:
    for dataset in mixture.datasets:
        if isinstance(dataset, CombinedDataset):
            yield from built_leaves(dataset)
        else:
            yield dataset


def write_mpii(path: Path) -> None:
    joints = np.arange(32).reshape(16, 2).tolist()
    person = {"center": [60, 50], "scale": 0.5, "joints": joints, "joints_vis": [1] * 16}
    path.write_text(json.dumps([{**person, "image": Path(image["file_name"]).name} for image in part_files.IMAGES]))


def write_annotations(source: dict[str, Any]) -> None:
    """The annotation files that a source asks for, below the working directory, in the format of its data set."""
    path = Path(source["data_root"]) / source["ann_file"]
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = source["type"]
    if kind in NUM_PLAIN:
        part_files.write_plain(path, NUM_PLAIN[kind])
    elif kind in ("WFLWDataset", "Face300WDataset"):
        part_files.write_centered(path, 98 if kind == "WFLWDataset" else 68)
    elif kind == "MpiiDataset":
        write_mpii(path)
    elif kind == "HumanArt21Dataset":
        part_files.write_human_art(path)
    elif kind == "InterHand2DDoubleDataset":
        for argument, written in part_files.write_interhand(path.parent).items():
            (path.parent / written).rename(Path(source["data_root"]) / source[argument])
    else:
        part_files.write_whole_bodies(path)


def write_images(source: dict[str, Any]) -> None:
    for image in part_files.IMAGES:
        path = Path(source["data_root"]) / source["data_prefix"]["img"] / image["file_name"]
        if source["type"] == "MpiiDataset":
            path = path.parents[2] / path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((image["height"], image["width"], 3), 90, dtype=np.uint8))


def wanted_mapping(source: str, target: str) -> KeypointMapping:
    """MMPose's table, the faulty one repaired."""
    num_keypoints = named_keypoint_set(target).num_keypoints
    if (source, target) in AS_THEY_ARE:
        return KeypointMapping(num_keypoints, [(i, i) for i in range(num_keypoints)])
    (table,) = [row["mapping"] for row in TABLES if (row["source"], row["target"]) == (source, target)]
    if (source, target) == ("cofw", "lapa"):
        table = list({**dict(table), **COFW_EYES}.items())
    return KeypointMapping(num_keypoints, table)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with tiny annotation files and images of all that the experiments train and evaluate on."""
    path = tmp_path_factory.mktemp("experiments")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        for file in experiments().values():
            config = Config.fromfile(file).to_dict()
            sources = list(leaves(config["train_dataloader"]["dataset"]["datasets"]))
            evaluated = [config[loader]["dataset"] for loader in ("val_dataloader", "test_dataloader")]
            sources += leaves(evaluated)
            if "bbox_file" in evaluated[0]:
                detections = Path(evaluated[0]["bbox_file"])
                detections.parent.mkdir(parents=True, exist_ok=True)
                box = {"image_id": 40, "category_id": 1, "bbox": [5, 6, 70, 80], "score": 0.9}
                detections.write_text(json.dumps([box]))
            for source in sources:
                write_annotations(source)
                write_images(source)
    return path


@pytest.fixture(scope="module")
def mixtures(folder: Path) -> dict[str, CombinedDataset]:
    """The training data of every experiment."""
    built = {}
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        for name, file in experiments().items():
            config = Config.fromfile(file).train_dataloader.dataset.to_dict()
            for source in leaves(config["datasets"]):
                # so that images are found from any working directory
                source["data_root"] = str(folder / source["data_root"])
            built[name] = DATASETS.build(config)
    return built


def test_these_experiments_are_shipped() -> None:
    assert sorted(experiments()) == sorted(SOURCES)


@pytest.mark.parametrize("name", SOURCES)
def test_an_experiment_has_at_most_forty_lines(name: str) -> None:
    assert len(experiments()[name].read_text().splitlines()) <= 40


@pytest.mark.parametrize("name", SOURCES)
def test_an_experiment_speaks_by_name(name: str) -> None:
    steps = [step for source in leaves(Config.fromfile(experiments()[name]).train_dataloader.dataset.datasets)
             for step in source.pipeline if step.type == "KeypointConverter"]  # fmt: skip
    assert steps
    assert {step.mapping for step in steps} == {"auto"}


@pytest.mark.parametrize("name", SOURCES)
def test_a_check_finds_nothing_wrong_with_an_experiment_and_its_data(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    checked = check_config(load_config(experiments()[name]))
    assert [finding for finding in checked.findings if finding.severity != NOTE] == []
    assert all(source.items for source in checked.sources)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*_2d_keypoint/rtmpose/**/*.py")), ids=lambda path: path.stem)
def test_rtmpose_on_a_mixture_is_short_and_a_check_finds_nothing_wrong(
    path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    checked = check_config(load_config(path))
    assert [finding for finding in checked.findings if finding.severity != NOTE] == []
    assert all(source.items for source in checked.sources)
    assert len(path.read_text().splitlines()) <= 40


@pytest.mark.parametrize("name", SOURCES)
def test_sources_come_in_mmposes_order(name: str, mixtures: dict[str, CombinedDataset]) -> None:
    target, sources = SOURCES[name]
    assert [leaf.metainfo["dataset_name"] for leaf in built_leaves(mixtures[name])] == sources
    assert mixtures[name].metainfo["dataset_name"] == target


@pytest.mark.parametrize("name", SOURCES)
def test_converters_compile_to_mmposes_tables(name: str, mixtures: dict[str, CombinedDataset]) -> None:
    target = SOURCES[name][0]
    for leaf in built_leaves(mixtures[name]):
        converters = [step for step in leaf.pipeline.transforms if isinstance(step, KeypointConverter)]
        wanted = wanted_mapping(leaf.metainfo["dataset_name"], target)
        if converters:
            (found,) = (converter.keypoint_mapping for converter in converters)
            assert sorted(map(repr, found.pairs)) == sorted(map(repr, wanted.pairs))
            assert found.num_keypoints == wanted.num_keypoints
        else:
            assert wanted.pairs == tuple((i, i) for i in range(leaf.metainfo["num_keypoints"]))


@pytest.mark.parametrize("name", SOURCES)
def test_an_item_of_every_source_has_the_keypoints_of_the_target(
    name: str, mixtures: dict[str, CombinedDataset]
) -> None:
    target, count = SOURCES[name][0], mixtures[name].metainfo["num_keypoints"]
    width, height = Config.fromfile(experiments()[name]).codec.heatmap_size
    firsts = list(_first_items(mixtures[name]))
    assert [source for _, source in firsts] == SOURCES[name][1]
    for place, source in firsts:
        info = mixtures[name].get_data_info(place)
        assert info["keypoints"].shape == (1, count, 2)
        if info["keypoints_visible"].ndim == 3:
            reached = {pair[1] for pair in wanted_mapping(source, target).pairs}
            labelled = info["keypoints_visible"][0, :, 1]
            assert not labelled[sorted(set(range(count)) - reached)].any(), source
            assert labelled[sorted(reached)].all(), source
        packed = mixtures[name][place]
        assert packed["inputs"].shape == (3, height * 4, width * 4)
        assert packed["data_samples"].gt_fields.heatmaps.shape == (count, height, width)
        assert packed["data_samples"].gt_instance_labels.keypoint_weights.shape == (1, count)


def _first_items(mixture: CombinedDataset) -> Iterator[tuple[int, str]]:
    """Index of the first item of each source, and the source's name."""
    start = 0
    for dataset, size in zip(mixture.datasets, mixture.lens):
        if isinstance(dataset, CombinedDataset):
            yield from ((start + place, name) for place, name in _first_items(dataset))
        else:
            yield start, dataset.metainfo["dataset_name"]
        start += size


@pytest.mark.parametrize("name", SOURCES)
def test_the_model_predicts_the_keypoints_of_the_target(name: str) -> None:
    config = Config.fromfile(experiments()[name])
    target = named_keypoint_set(SOURCES[name][0])
    assert named_keypoint_set(config.train_dataloader.dataset.metainfo.to_dict()).name == target.name
    assert config.model.head.out_channels == target.num_keypoints
    assert config.model.head.decoder == config.codec
    if target.name != "coco":
        assert named_keypoint_set(config.model.metainfo.to_dict()).name == target.name


@pytest.mark.parametrize("name", [name for name in SOURCES if name.startswith(("body", "cocktail"))])
def test_what_is_evaluated_are_the_keypoints_of_coco(name: str) -> None:
    config = Config.fromfile(experiments()[name])
    whole = name.startswith("cocktail")
    target, coco = named_keypoint_set(SOURCES[name][0]), named_keypoint_set("coco_wholebody" if whole else "coco")
    put_out = config.model.test_cfg.get("output_keypoint_indices", range(target.num_keypoints))
    assert [target.keypoint_names[i] for i in put_out] == list(coco.keypoint_names)
    data_set = "CocoWholeBodyDataset" if whole else "CocoDataset"
    assert config.val_dataloader.dataset.type == data_set
    assert config.test_dataloader.dataset.type == ("OCHumanDataset" if name.startswith("body8") else data_set)
    for loader, evaluator in (("val_dataloader", "val_evaluator"), ("test_dataloader", "test_evaluator")):
        dataset = config[loader].dataset
        assert config[evaluator].ann_file == dataset.data_root + dataset.ann_file


@pytest.mark.parametrize("name", [name for name in SOURCES if name.startswith("body")])
def test_body7_takes_a_part_of_each_source_and_body8_all(name: str) -> None:
    factors = Config.fromfile(experiments()[name]).train_dataloader.dataset.get("sample_ratio_factor")
    assert factors == ([1, 0.3, 0.5, 0.3, 0.3, 0.4, 0.3] if name.startswith("body7") else None)
