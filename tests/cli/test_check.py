"""What is wrong with a config before a training, as a user asks for it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmpose_mix.cli import main
from mmpose_mix.metainfo import keypoint_set, shipped_configs
from mmpose_mix.toy import draw_tiny_mixture

COMBINE = "td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-combine"
TWO_TO_ONE = f"{COMBINE}-2to1"
DRAWN = "td-hm_res10-w32_1xb16-6e_drawn-coco-aic-128x96-combine"
LOADER = "train_dataloader"
DATASET = f"{LOADER}.dataset"
COCO, AIC = f"{DATASET}.datasets.0", f"{DATASET}.datasets.1"
SHIPPED = sorted(path.stem for path in shipped_configs().rglob("*.py") if "_base_" not in path.parts)

Check = Callable[..., "tuple[int, str]"]
Findings = Callable[..., "list[dict[str, str]]"]


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Check:
    """Runs the command in an empty folder: its exit status, and what it printed on 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str]:
        status = main(["check", *map(str, arguments)])
        return status, "".join(f"{line.rstrip()}\n" for line in capsys.readouterr().out.splitlines())

    return run


@pytest.fixture
def findings(check: Check) -> Findings:
    """Runs the command with ``--json``; the findings that are no notes, as the keypoint sets of the shipped are."""

    def run(*arguments: object) -> list[dict[str, str]]:
        found = json.loads(check(*arguments, "--json")[1])["findings"]
        return [finding for finding in found if finding["severity"] != "note"]

    return run


@pytest.fixture
def drawn(tmp_path: Path) -> list[str]:
    """The shipped experiment on drawings, on tiny ones in ``data/``; the arguments of the command."""
    draw_tiny_mixture(tmp_path / "data")
    roots = {COCO: "coco", AIC: "aic", "val_dataloader.dataset": "coco"}
    options = [f"{place}.data_root={tmp_path / 'data' / name}" for place, name in roots.items()]
    return [DRAWN, "--cfg-options", *options]


@pytest.fixture
def annotations(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], object]], None]:
    """Changes the annotations of the drawings that are annotated as COCO's."""

    def change(edit: Callable[[dict[str, Any]], object]) -> None:
        path = tmp_path / "data/coco/annotations/person_keypoints_train.json"
        content = json.loads(path.read_text())
        edit(content)
        path.write_text(json.dumps(content))

    return change


def table(page: str, title: str) -> str:
    """The part of a page below a title, up to the next empty line."""
    return page.partition(f"\n{title}")[2].partition("\n")[2].partition("\n\n")[0]


def test_the_page_of_the_drawn_mixture(check: Check, drawn: list[str]) -> None:
    status, page = check(*drawn)
    assert status == 0
    head, _, rest = page.partition("\nTypes: which class each one is\n")
    lines = [line for line in head.splitlines() if not line.startswith("file")]
    assert lines == [
        DRAWN,
        "scope      mmpose_mix",
        "keypoints  19 of 'coco_aic', 2 sources",
        "sampler    MultiSourceSampler, source_ratio=[1, 1]",
        "model      TopdownPoseEstimator, predicts 19 keypoints, of which it puts out 17",
    ]
    assert "optimizer      Adam                   torch/optim/adam.py\n" in rest
    assert "               HeatmapHead            mmpose_mix/models/heads/heatmap.py\n" in rest
    assert "transform      KeypointConverter x2   mmpose_mix/transforms/converting.py\n" in rest
    assert rest.partition("\n\n")[2].partition("note")[0] == (
        "Sources of the training\n"
        "                               anno-                      share\n"
        "source  class        images  tations  discarded  items    asked  realised\n"
        "0 coco  CocoDataset       4        7          0      7  50.00 %   50.00 %\n"
        "1 aic   AicDataset        4        5          0      5  50.00 %   50.00 %\n"
        "\n"
        "Evaluated\n"
        "                               anno-\n"
        "source  class        images  tations  discarded  items\n"
        "coco    CocoDataset       4        6          0      6\n"
        "\n"
        "Keypoints of the sources: visible in so many of 100 instances, - not labelled\n"
        "keypoint          coco  aic\n"
        "0 nose              86    -\n"
        "1 left_eye          86    -\n"
        "2 right_eye         86    -\n"
        "3 left_ear         100    -\n"
        "4 right_ear        100    -\n"
        "5 left_shoulder    100  100\n"
        "6 right_shoulder   100  100\n"
        "7 left_elbow        86  100\n"
        "8 right_elbow      100  100\n"
        "9 left_wrist        86  100\n"
        "10 right_wrist     100  100\n"
        "11 left_hip        100  100\n"
        "12 right_hip       100  100\n"
        "13 left_knee       100  100\n"
        "14 right_knee      100  100\n"
        "15 left_ankle       86   80\n"
        "16 right_ankle     100   80\n"
        "17 head_top          -  100\n"
        "18 neck              -  100\n"
        "\n"
        "Findings\n"
    )
    assert page.splitlines()[-1].startswith("Clean: nothing is wrong")


def test_no_image_is_read(check: Check, drawn: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError("an image is read")

    monkeypatch.setattr("mmcv.imread", refuse)
    monkeypatch.setattr("mmcv.imfrombytes", refuse)
    assert check(*drawn)[0] == 0


@pytest.mark.parametrize("config", SHIPPED)
def test_of_a_shipped_config_only_the_data_are_missing(config: str, findings: Findings) -> None:
    found = findings(config)
    assert {finding["code"] for finding in found} == {"CFG510"}
    assert all("there is no" in finding["text"] for finding in found)
    assert findings(config, "--without-data") == []


def test_all_else_is_checked_where_files_are_absent(check: Check) -> None:
    status, page = check(COMBINE)
    assert status == 1
    assert "there is no annotation file data/aic/annotations/aic_train.json." in page
    assert "0 coco  CocoDataset       ?        ?          ?      ?      ?         ?\n" in page
    assert "5 left_shoulder      x    x\n" in page
    assert "17 head_top          -    x\n" in page
    assert page.splitlines()[-1].startswith("4 errors")


SWAPPED = [1, 0, *range(2, 17)]


@pytest.mark.parametrize(
    ("config", "options", "code", "place", "words"),
    [
        (COMBINE, ["default_scope=mmposed"], "CFG501", "default_scope", "default_scope='mmposed' cannot be imported"),
        (COMBINE, ["default_hooks.timer.type=None"], "CFG502", "default_hooks.timer", "names no class: {'type': None}"),
        (COMBINE, ["model.backbone.type=HRNett"], "CFG503", "model.backbone", "no model 'HRNett' in the scope"),
        (COMBINE, ["optim_wrapper.optimizer.type=Adan"], "CFG503", "optim_wrapper.optimizer", "no optimizer 'Adan'"),
        (COMBINE, ["val_evaluator.type=CocoMetrik"], "CFG503", "val_evaluator", "no metric 'CocoMetrik'"),
        (COMBINE, [f"{AIC}.type=AiDataset"], "CFG503", f"{DATASET}.datasets[1]", "no dataset 'AiDataset'"),
        (COMBINE, ["model.head.decoder.type=Heat"], "CFG503", "model.head.decoder", "no keypoint codec 'Heat'"),
        (
            COMBINE,
            ["model.backbone.type=mmdetect.ResNet"],
            "CFG503",
            "model.backbone",
            "no model 'mmdetect.ResNet': the package mmdetect is not installed",
        ),
        (COMBINE, ["val_evaluator.nms_thrr=1"], "CFG504", "val_evaluator", "CocoMetric takes no nms_thrr"),
        (
            COMBINE,
            [f"{DATASET}.pipeline.0.type=TopdownAffine"],
            "CFG505",
            f"{DATASET}.pipeline[0]",
            "TopdownAffine needs input_size",
        ),
        (COMBINE, ["val_cfg=None"], "CFG506", "val_dataloader", "but no val_cfg; a runner takes all of them or none"),
        (COMBINE, [f"{COCO}.data_mode=sideways"], "CFG520", f"{DATASET}.datasets[0]", "data_mode='sideways'"),
        (COMBINE, [f"{AIC}.pipeline=[]"], "CFG522", f"{DATASET}.datasets[1] (AicDataset)", "delivers 14 keypoints"),
        (
            COMBINE,
            [f"{AIC}.pipeline.0.mapping=[(99,0)]"],
            "CFG522",
            f"{DATASET}.datasets[1] (AicDataset)",
            "reads source keypoints 99, but 14 arrive there",
        ),
        (
            COMBINE,
            [f"{AIC}.pipeline.0.mapping=[(0,6)]"],
            "CFG523",
            f"{DATASET}.metainfo",
            "no source labels head_top, neck of 'coco_aic': the model would learn nothing of it",
        ),
        (
            COMBINE,
            [f"{COCO}.pipeline.0.mapping=[(5,6),(6,5)]"],
            "MAP210",
            f"{DATASET}.datasets[0] (KeypointConverter)",
            "left_shoulder -> right_shoulder",
        ),
        (
            COMBINE,
            ["model.head.out_channels=17"],
            "CFG530",
            "model",
            "metainfo has 19 keypoints, but head.out_channels",
        ),
        (
            COMBINE,
            ["model.test_cfg.output_keypoint_indices=[0,25]"],
            "CFG530",
            "model",
            "output_keypoint_indices has [25], but head.out_channels=19 allows 0 to 18",
        ),
        (
            COMBINE,
            ["model.metainfo=None", "model.head.out_channels=17"],
            "CFG531",
            "model",
            "delivers 19 keypoints, but the model's head is for 17",
        ),
        (
            COMBINE,
            ["model.test_cfg.output_keypoint_indices=None"],
            "CFG531",
            "model",
            "the model predicts 19 keypoints, the data set 'coco' has 17",
        ),
        (
            COMBINE,
            [f"model.test_cfg.output_keypoint_indices={str(SWAPPED).replace(' ', '')}"],
            "CFG532",
            "val_evaluator",
            "not in the order of 'coco', which is evaluated: 0 is left_eye, not nose, 1 is nose, not left_eye",
        ),
        (
            COMBINE,
            ["model.head.decoder.input_size=(96,128)"],
            "CFG534",
            "codec",
            "96 x 128 in model.head.decoder (MSRAHeatmap)",
        ),
        (COMBINE, ["val_evaluator.nms_mode=oks"], "CFG535", "val_evaluator", "nms_mode='oks'"),
        (
            TWO_TO_ONE,
            [f"{LOADER}.batch_size=32"],
            "CFG540",
            LOADER,
            "batch_size=32, but its MultiSourceSampler has batch_size=64",
        ),
        (
            TWO_TO_ONE,
            [f"{LOADER}.sampler.source_ratio=[1,1,1]"],
            "CFG541",
            f"{LOADER}.sampler.source_ratio",
            "source_ratio has 3 entries for 2 sources",
        ),
    ],
)
def test_what_is_wrong_is_found_in_words(
    config: str, options: list[str], code: str, place: str, words: str, findings: Findings
) -> None:
    found = findings(config, "--without-data", "--cfg-options", *options)
    mine = [finding for finding in found if finding["code"] == code and finding["place"] == place]
    assert len(mine) == 1, found
    assert words in mine[0]["text"]
    assert mine[0]["fix"]


def test_a_name_that_is_nearly_right_is_told_the_right_one(findings: Findings) -> None:
    (found,) = findings(COMBINE, "--without-data", "--cfg-options", "model.backbone.type=HRNett")
    assert found["fix"].startswith("Do you mean 'HRNet'")


def test_nothing_is_said_twice(findings: Findings) -> None:
    options = [f"{AIC}.type=AiDataset", "model.head.type=HeatmapHed", "val_evaluator.type=CocoMetrik"]
    found = findings(COMBINE, "--without-data", "--cfg-options", *options)
    assert [finding["code"] for finding in found] == ["CFG503"] * 3


def test_a_model_whose_keypoints_are_in_another_order_than_its_data_is_found(
    findings: Findings, tmp_path: Path
) -> None:
    path = tmp_path / "union.py"
    base = next(shipped_configs().rglob(f"{COMBINE}.py"))
    path.write_text(f"_base_ = [{str(base)!r}]\nmodel = dict(metainfo=dict(_delete_=True, union=['aic', 'coco']))\n")
    found = findings(path, "--without-data")
    words = "not in the order of 'coco_aic', which is trained: 0 is right_shoulder, not nose"
    assert [words in finding["text"] for finding in found if finding["code"] == "CFG533"] == [True]


def test_what_is_discarded_is_counted_by_reason(check: Check, drawn: list[str], annotations: Callable) -> None:
    def edit(content: dict[str, Any]) -> None:
        first, second, third, *_ = content["annotations"]
        first["iscrowd"] = 1
        del second["bbox"]
        third["bbox"] = [5, 5, 0, 0]

    annotations(edit)
    status, page = check(*drawn)
    assert status == 0
    assert "0 coco  CocoDataset       4        7          3      4  50.00 %   50.00 %\n" in page
    words = "Discarded of coco: 1 without box or keypoints, 1 a crowd, 1 with an empty box."
    assert words in page


def test_a_keypoint_that_is_never_visible_is_found(findings: Findings, drawn: list[str], annotations: Callable) -> None:
    def hide_noses(content: dict[str, Any]) -> None:
        for annotation in content["annotations"]:
            annotation["keypoints"][2] = 0

    annotations(hide_noses)
    (found,) = findings(*drawn)
    assert (found["code"], found["severity"]) == ("CFG524", "warning")
    assert found["text"] == "nose of 'coco_aic' is labelled, but visible in no instance of any source"


def test_a_source_whose_keypoints_are_as_many_but_others_is_found_without_a_converter(findings: Findings) -> None:
    options = ["--cfg-options", f"{AIC}.type=OCHumanDataset", f"{AIC}.pipeline=[]"]
    merge = "td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-merge"
    assert findings(merge, "--without-data", *options) == []
    other_names = f"{AIC}.metainfo.from_file=configs/_base_/datasets/posetrack18.py"
    found = findings(merge, "--without-data", *options, other_names)
    assert {each["place"] for each in found} == {f"{DATASET}.datasets[1]"}
    assert all(each["fix"].startswith("convert by a KeypointConverter") for each in found)


def persons_alike(path: Path, names: Sequence[str], places: Mapping[str, tuple[float, float]]) -> None:
    """Writes a file anew with 40 persons whose joints lie at these places, a little apart in each."""
    content = json.loads(path.read_text())
    generator = np.random.default_rng(len(names))
    persons = []
    for number in range(40):
        points = np.array([(*places[name], 2) for name in names], dtype=float)
        points[:, :2] += generator.normal(0, 1, (len(points), 2))
        person = {**content["annotations"][0], "id": number + 1, "bbox": [1, 1, 90, 90]}
        persons.append({**person, "keypoints": points.ravel().tolist(), "num_keypoints": len(names)})
    path.write_text(json.dumps({**content, "annotations": persons}))


def test_a_joint_that_lies_where_another_one_belongs_is_found_by_its_annotations(
    findings: Findings, drawn: list[str], tmp_path: Path
) -> None:
    rows = {"head_top": 4, "nose": 10, "eye": 8, "ear": 9, "neck": 16, "shoulder": 20, "elbow": 32}
    rows.update({"wrist": 44, "hip": 48, "knee": 66, "ankle": 86})
    sides = {"left_": 62.0, "right_": 38.0}
    places = {f"{side}{joint}": (x, float(y)) for joint, y in rows.items() for side, x in sides.items()}
    places.update({joint: (50.0, float(rows[joint])) for joint in ("nose", "neck", "head_top")})
    coco, aic = (keypoint_set({"from_file": f"configs/_base_/datasets/{name}.py"}) for name in ("coco", "aic"))
    persons_alike(tmp_path / "data/coco/annotations/person_keypoints_train.json", coco.keypoint_names, places)
    persons_alike(tmp_path / "data/aic/annotations/aic_train.json", aic.keypoint_names, places)
    assert findings(*drawn) == []
    exchanged = {**places, "right_elbow": places["right_knee"], "right_knee": places["right_elbow"]}
    persons_alike(tmp_path / "data/aic/annotations/aic_train.json", aic.keypoint_names, exchanged)
    found = findings(*drawn)
    assert "DATA303" in {each["code"] for each in found}
    assert {each["place"] for each in found} == {f"{DATASET}.datasets[1], beside {DATASET}.datasets[0]"}
    assert "right_knee" in " ".join(each["text"] for each in found)


def test_a_file_that_is_no_annotation_file_is_found_and_the_others_are_read(
    check: Check, drawn: list[str], tmp_path: Path
) -> None:
    (tmp_path / "data/coco/annotations/person_keypoints_train.json").write_text('{"images": [')
    status, page = check(*drawn)
    assert status == 1
    assert "error CFG521 train_dataloader.dataset.datasets[0]" in page
    assert "1 aic   AicDataset        4        5          0      5  50.00 %         ?\n" in page


def test_absent_images_are_a_warning(check: Check, drawn: list[str], tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "data/aic/train")
    status, page = check(*drawn)
    assert status == 0
    assert "warning CFG511 train_dataloader.dataset.datasets[1]" in page
    assert page.splitlines()[-1].startswith("1 warning")


def test_an_absent_checkpoint_is_found(findings: Findings, drawn: list[str]) -> None:
    (found,) = findings(*drawn, "load_from=nowhere.pth")
    assert (found["code"], found["place"]) == ("CFG510", "load_from")
    assert found["text"] == "there is no file nowhere.pth"


def test_json_holds_everything(check: Check, drawn: list[str]) -> None:
    status, text = check(*drawn, "--json")
    said = json.loads(text)
    assert status == 0
    assert list(said) == [
        "config",
        "file",
        "default_scope",
        "annotations_read",
        "counts",
        "findings",
        "keypoint_set",
        "keypoints",
        "sampler",
        "source_ratio",
        "sources",
        "evaluated",
        "model",
        "types",
    ]
    assert said["counts"]["error"] == said["counts"]["warning"] == 0
    assert said["model"] == {"type": "TopdownPoseEstimator", "num_keypoints": 19, "num_output_keypoints": 17}
    assert said["keypoints"][17:] == ["head_top", "neck"]
    aic = said["sources"][1]
    assert (aic["name"], aic["items"], aic["share_asked"], aic["share_asked_exact"]) == ("aic", 5, 0.5, "1/2")
    assert aic["files"][0]["annotations"] == 5
    assert aic["labelled"][0] is False
    assert aic["visible"][0] is None
    assert aic["labelled"][18] is True
    assert aic["visible"][18] == 1.0
    places = {kind["where"]: kind for kind in said["types"]}
    head = places["model.head"]
    assert (head["registry"], head["name"], head["class_name"]) == ("model", "HeatmapHead", "HeatmapHead")
    assert Path(head["file"]).is_file()
    assert places[f"{DATASET}.datasets[1].pipeline[0]"]["name"] == "KeypointConverter"
    assert places["model.head.decoder"]["registry"] == "keypoint codec"


def test_why_explains_conversions_by_name(check: Check) -> None:
    _, page = check(COMBINE, "--without-data", "--why", "--cfg-options", f"{AIC}.pipeline.0.mapping=auto")
    assert "aic -> coco_aic: 14 of 19 target keypoints are labelled\n" in page
    assert "nose            missing                    no keypoint of aic is this joint\n" in page
    assert "right_hip       same name  right_hip\n" in page
    assert "-    x\n" in page
    assert "No source maps its keypoints by name" in check(COMBINE, "--without-data", "--why")[1]


def test_a_config_that_is_not_there_is_misuse(check: Check, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "nowhere.py"]) == 2
    assert "mmpose-mix check: Config nowhere.py is neither a file" in capsys.readouterr().err


@pytest.mark.parametrize("config", SHIPPED)
def test_a_page_fits_into_100_columns(config: str, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    page = check(config)[1]
    assert max(len(line) for line in page.splitlines() if not line.startswith("file")) <= 100


def test_a_package_that_cannot_be_imported_says_so_itself(
    findings: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "poses_of_others").mkdir()
    (tmp_path / "poses_of_others/__init__.py").touch()
    (tmp_path / "poses_of_others/registry.py").write_text(
        "from mmengine.registry import MODELS as ROOT, Registry\n"
        "MODELS = Registry('model', parent=ROOT, scope='poses_of_others', locations=['poses_of_others.models'])\n"
    )
    (tmp_path / "poses_of_others/models.py").write_text("import what_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    found = findings(COMBINE, "--without-data", "--cfg-options", "model.backbone.type=poses_of_others.HRNet")
    assert ["cannot be imported: No module named 'what_nobody_has'" in each["text"] for each in found] == [True]
