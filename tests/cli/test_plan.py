"""What a training will draw, as a user asks for it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mmengine.registry import DefaultScope

from mmpose_mix.cli import main
from mmpose_mix.engine.launch import load_config
from mmpose_mix.registry import DATASETS

COMBINE = "td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-combine"
TWO_TO_ONE = f"{COMBINE}-2to1"
LENGTHS = ("--lengths", "coco=149813", "aic=378352")
SAMPLER = "train_dataloader.sampler"
DATASET = "train_dataloader.dataset"

Plan = Callable[..., str]


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Plan:
    """Runs the command and returns what it printed on 80 columns, without spaces at the ends of lines."""
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: object) -> str:
        assert main(["plan", *map(str, arguments)]) == 0
        return "".join(f"{line.rstrip()}\n" for line in capsys.readouterr().out.splitlines())

    return run


@pytest.fixture
def forecast(plan: Plan) -> Callable[..., dict[str, Any]]:
    """Runs the command with ``--json`` and returns what it says."""
    return lambda *arguments: json.loads(plan(*arguments, "--json"))


@pytest.fixture
def refusal(plan: Plan) -> Callable[..., str]:
    """Runs the command, which has to refuse, and returns its words."""

    def run(*arguments: object) -> str:
        with pytest.raises(SystemExit) as ended:
            plan(*arguments)
        return str(ended.value.code)

    return run


@pytest.fixture
def without_images(experiment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str, str]:
    """The experiment, and the two sources of its drawn data whose annotations are there and whose images are not."""
    shutil.copytree(experiment.parent / "data", tmp_path / "data", ignore=shutil.ignore_patterns("*.jpg", "*.png"))
    assert not [path for path in (tmp_path / "data").rglob("*") if path.suffix not in ("", ".json")]
    options = [f"{DATASET}.datasets.{i}.data_root={tmp_path / 'data' / name}" for i, name in enumerate(("coco", "aic"))]
    return (experiment, *options)


def config_file(folder: Path, **loader: Any) -> Path:
    """A config with nothing but a training data loader."""
    loader = {"batch_size": 4, "sampler": {"type": "DefaultSampler", "shuffle": True}, **loader}
    path = folder / "config.py"
    path.write_text(f"train_cfg = dict(by_epoch=True, max_epochs=3)\ntrain_dataloader = {loader!r}\n")
    return path


COCO = {"type": "CocoDataset", "ann_file": "absent.json"}
AIC = {"type": "AicDataset", "ann_file": "absent.json"}


def mixture_of(*sources: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "CombinedDataset",
        "metainfo": {"from_file": "configs/_base_/datasets/coco_aic.py"},
        "datasets": list(sources),
        **more,
    }


def test_the_page_of_a_two_to_one_mixture(plan: Plan) -> None:
    page = plan(TWO_TO_ONE, *LENGTHS, "--world-size", 8)
    head, _, rest = page.partition("Resume")
    assert head == (
        "td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-combine-2to1\n"
        "data set  CombinedDataset of 2 sources, 528,165 samples\n"
        "sampler   MultiSourceSampler, source_ratio=[2, 1]\n"
        "batch     512 samples a step: 8 ranks x 64\n"
        "epoch     1,032 steps for 528,165 items, 219 more fill up the last batch\n"
        "training  210 epochs, 216,720 steps\n"
        "\n"
        "Passes: walks over a source without repeats\n"
        "                          share   passes:                       times a\n"
        "source  samples       asked for  an epoch  the training  sample is seen\n"
        "coco    149,813  2/3 = 66.667 %      2.35         493.8         493-494\n"
        "aic     378,352  1/3 = 33.333 %      0.47         97.76           97-98\n"
        "\n"
        "Quotas: samples of each source in one batch\n"
        "                  global batch:                 rank's batch:\n"
        "source  realised          quota      met   lag          quota    met   lag\n"
        "coco    66.667 %        341-342  341-342  0.67          42-43  42-43  0.67\n"
        "aic     33.333 %        170-171  170-171  0.67          21-22  21-22  0.67\n"
        "Counted: 10,000 global batches, and 2,048 batches of each rank.\n"
        "Lag: how far a source was from its share, in samples, at most.\n"
        "Promised for global batches: below 1. Their quotas repeat every 3 steps.\n"
        "\n"
    )
    assert "with a saved state" in rest
    assert "108,360" in rest
    assert "216,719" in rest


@pytest.mark.parametrize("world_size", [1, 1024])
@pytest.mark.parametrize("config", [COMBINE, TWO_TO_ONE])
def test_a_page_fits_into_80_columns(config: str, world_size: int, plan: Plan) -> None:
    page = plan(config, *LENGTHS, "--world-size", world_size)
    assert max(map(len, page.splitlines())) <= 80
    assert ("8 of 1,024 ranks" in page) == (config == TWO_TO_ONE and world_size == 1024)


def test_nothing_of_a_table_is_cut_off_on_a_narrow_terminal(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert "coco    149,813  2/3 = 66.667 %      2.35         493.6         493-494\n" in plan(TWO_TO_ONE, *LENGTHS)


def test_json_holds_everything(forecast: Callable[..., dict[str, Any]]) -> None:
    said = forecast(TWO_TO_ONE, *LENGTHS, "--world-size", 8, "--epochs", 2, "--steps", 30)
    assert {key: said[key] for key in said if key not in ("sources", "stages", "resume")} == {
        "config": TWO_TO_ONE,
        "dataset": "CombinedDataset",
        "sampler": "MultiSourceSampler",
        "source_ratio": [2, 1],
        "shuffle": True,
        "endless": False,
        "world_size": 8,
        "rank_batch": 64,
        "global_batch": 512,
        "items": 528165,
        "items_per_epoch": 528384,
        "steps_per_epoch": 1032,
        "steps": 2064,
        "epochs": 2.0,
        "period": 3,
        "chances": [],
        "remarks": ["aic: no full pass in the whole training; at least 26,096 of its 378,352 samples are never seen."],
    }
    assert said["sources"][0] == {
        "name": "coco",
        "samples": 149813,
        "items": 149813,
        "shares": [2 / 3, 2 / 3],
        "shares_exact": ["2/3", "2/3"],
        "draws": 704512.0,
        "passes": 704512 / 149813,
        "passes_per_epoch": [352256 / 149813] * 2,
        "seen": [4, 5],
    }
    (stage,) = said["stages"]
    assert stage["stage"] == {"begin": 0, "end": 2064, "moving": False}
    assert (stage["steps"], stage["rank_steps"], stage["ranks"]) == (30, 30, list(range(8)))
    assert stage["sources"][1] == {
        "shares": [1 / 3, 1 / 3],
        "shares_exact": ["1/3", "1/3"],
        "realised": 1 / 3,
        "quota": [170, 171],
        "quota_met": [170, 171],
        "rank_quota": [21, 22],
        "rank_quota_met": [21, 22],
        "lag": 2 / 3,
        "rank_lag": pytest.approx(stage["sources"][0]["rank_lag"]),
    }
    assert [cost["step"] for cost in said["resume"]] == [0, 1032, 2063]
    assert set(said["resume"][0]) == {"step", "with_state", "without_state"}


def test_lengths_are_read_from_a_file(forecast: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "lengths.json").write_text('{"aic": 20, "coco": 30}')
    said = forecast(TWO_TO_ONE, "--lengths", tmp_path / "lengths.json")
    assert [(source["name"], source["samples"]) for source in said["sources"]] == [("coco", 30), ("aic", 20)]


def test_without_lengths_annotations_are_read_and_images_are_not(
    without_images: tuple[Path, str, str], forecast: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError("an image is read")

    monkeypatch.setattr("mmcv.imread", refuse)
    monkeypatch.setattr("mmcv.imfrombytes", refuse)
    config, *options = without_images
    said = forecast(config, "--world-size", 2, "--cfg-options", *options)
    read = load_config(config, dict(option.split("=") for option in options))
    with DefaultScope.overwrite_default_scope("mmpose_mix"):
        built = DATASETS.build(read.train_dataloader.dataset)
    assert [source["name"] for source in said["sources"]] == built.source_names
    assert [source["samples"] for source in said["sources"]] == [len(source) for source in built.datasets]
    assert said["items"] == len(built)
    assert said["global_batch"] == 4
    assert said["steps_per_epoch"] == -(-len(built) // 4)


def test_absent_annotations_point_to_lengths(refusal: Callable[..., str]) -> None:
    words = refusal(TWO_TO_ONE)
    assert words.startswith("mmpose-mix plan: CombinedDataset.datasets[0] (CocoDataset): there is no annotation file")
    assert "CombinedDataset.datasets[1] (AicDataset)" in words
    assert "give the number of samples of each source: --lengths coco=N aic=N" in words


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        (["coco=1"], "--lengths: missing aic. Give the number of samples of each source: --lengths coco=N aic=N."),
        (["coco=1", "aic=2", "mpii=3", "crowd=4"], "--lengths: unknown mpii, crowd."),
        (["coco=1", "aic=many", "7"], "--lengths: aic=many, 7: give NAME=NUMBER for each source"),
        (["coco=1", "aic=-2"], "--lengths: aic=-2: give NAME=NUMBER"),
        (["coco=1", "coco=2", "aic=3"], "--lengths: coco (given twice): give NAME=NUMBER"),
        (["nowhere.json"], "No such file or directory: 'nowhere.json'"),
        (["list.json"], "must hold an object such as"),
        (["broken.json"], "broken.json is no JSON"),
        (["text.json"], "coco='1', aic=True: give NAME=NUMBER"),
        (["coco=0", "aic=5"], "no samples in 'coco', which should be drawn"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(
    lengths: list[str], words: str, refusal: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"list": "[1]", "broken": "{", "text": '{"coco": "1", "aic": true}'}.items():
        Path(f"{name}.json").write_text(text)
    assert words in refusal(TWO_TO_ONE, "--lengths", *lengths)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([f"{SAMPLER}.type=RandomSampler"], "Known are MultiSourceSampler, DefaultSampler and InfiniteSampler"),
        ([f"{SAMPLER}.source_weights=[1,1]"], "MultiSourceSampler: unknown source_weights; allowed are batch_size,"),
        ([f"{SAMPLER}.type=DefaultSampler"], "DefaultSampler: unknown batch_size, source_ratio; allowed are shuffle,"),
        ([f"{SAMPLER}.source_ratio=[1,1,1]"], "source_ratio has 3 entries for 2 sources"),
        ([f"{SAMPLER}.source_ratio=biggest"], "source_ratio='biggest' is unknown"),
        ([f"{SAMPLER}.batch_size=32"], "batch_size=64, but its MultiSourceSampler has batch_size=32"),
        (["train_dataloader.batch_size=0", f"{SAMPLER}.batch_size=0"], "batch_size=0 of at least 1, or give"),
        (["train_cfg.max_epochs=0"], "train_cfg: max_epochs=0 tells no length of the training"),
        (["train_cfg.by_epoch=False"], "train_cfg: max_iters=None tells no length of the training"),
        ([f"{DATASET}.datasets=[]"], "CombinedDataset has datasets=[], so no source. Give at least one."),
        ([f"{DATASET}.sample_ratio_factor=[1]"], "CombinedDataset.sample_ratio_factor has 1 entries for 2 sources"),
        ([f"{DATASET}.sample_ratio_factor=[0,0]"], "the sources hold [149813, 378352], of which an epoch takes [0, 0]"),
        (["train_dataloader.batch_sampler.type=BatchSampler"], "composes batches in its own way"),
        ([f"{DATASET}.datasets.1.type=AiDataset"], "there is no data set 'AiDataset' in the scope 'mmpose_mix'"),
    ],
)
def test_a_config_that_cannot_be_forecast_is_refused_in_words(
    options: list[str], words: str, refusal: Callable[..., str]
) -> None:
    said = refusal(TWO_TO_ONE, *LENGTHS, "--cfg-options", *options)
    assert said.startswith("mmpose-mix plan: ")
    assert words in said


def test_a_config_without_a_training_is_refused(refusal: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text("train_dataloader = None\n")
    assert "has no train_dataloader with a dataset" in refusal(path)
    assert "Config nowhere.py is neither a file" in refusal("nowhere.py")


@pytest.mark.parametrize("option", ["--world-size", "--batch-size", "--epochs", "--steps"])
def test_numbers_below_one_are_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plan", TWO_TO_ONE, option, "0"])
    assert ended.value.code == 2
    assert f"argument {option}: 0 is not 1 or more" in capsys.readouterr().err


def test_options_take_the_place_of_the_config(forecast: Callable[..., dict[str, Any]]) -> None:
    said = forecast(TWO_TO_ONE, *LENGTHS, "--batch-size", 10, "--world-size", 3, "--epochs", 7)
    assert (said["rank_batch"], said["global_batch"], said["epochs"]) == (10, 30, 7)
    assert said["steps_per_epoch"] == -(-528165 // 30)


def test_a_plain_mixture_says_what_chance_gives(plan: Plan) -> None:
    page = plan(COMBINE, *LENGTHS, "--world-size", 8)
    assert "epoch     1,032 steps for 528,165 items, 3 more fill up the last batch" in page
    assert "aic     378,352  71.635 %      1.00         210.0     about 210.0" in page
    assert "No quotas: samples of each source in one batch are left to chance" in page
    assert "coco    145.2 +- 10.2  18.2 +- 3.6    nearly never" in page
    assert "Resume" not in page


def test_a_plain_mixture_without_a_shuffle_is_said_to_be_one(plan: Plan) -> None:
    page = plan(COMBINE, *LENGTHS, "--cfg-options", f"{SAMPLER}.shuffle=False")
    assert "No quotas: without a shuffle the sources come one after another." in page


def test_a_resampled_mixture_has_other_items_than_samples(plan: Plan) -> None:
    page = plan(COMBINE, *LENGTHS, "--cfg-options", f"{DATASET}.sample_ratio_factor=[2,0.3]")
    assert "epoch     6,456 steps for 413,132 items" in page
    assert "coco    149,813   299,626  72.525 %         2           420             420" in page
    assert "aic     378,352   113,506  27.475 %      0.30         63.00           63-64" in page


def test_words_are_understood_for_both_ratios(forecast: Callable[..., dict[str, Any]]) -> None:
    options = (f"{SAMPLER}.source_ratio=equal", f"{DATASET}.sample_ratio_factor=equal", f"{SAMPLER}.epoch_length=1000")
    said = forecast(TWO_TO_ONE, "--lengths", "coco=100", "aic=300", "--cfg-options", *options)
    assert [(source["items"], source["shares_exact"]) for source in said["sources"]] == [(200, ["1/2", "1/2"])] * 2
    assert (said["items"], said["steps_per_epoch"]) == (1000, 16)


def test_an_endless_sampler_is_counted_in_iterations(plan: Plan) -> None:
    options = (f"{SAMPLER}.type=InfiniteSampler", "train_cfg.by_epoch=False", "train_cfg.max_iters=10000")
    page = plan(COMBINE, *LENGTHS, "--cfg-options", *options)
    assert "epoch     none, an endless row of shuffles; one walk over all: 8,253 steps" in page
    assert "training  1.21 epochs, 10,000 steps" in page
    assert "coco    149,813  28.365 %         1          1.21             1-2" in page


def test_iterations_of_a_mixture_with_quotas_need_not_end_with_an_epoch(
    forecast: Callable[..., dict[str, Any]],
) -> None:
    said = forecast(
        TWO_TO_ONE, *LENGTHS, "--cfg-options", "train_cfg._delete_=True", "train_cfg.type=IterBasedTrainLoop",
        "train_cfg.max_iters=10000",
    )  # fmt: skip
    assert said["steps"] == 10000
    assert said["epochs"] == pytest.approx(10000 / 8253)


SCHEDULE = {
    "stages": [
        {"begin": 0, "ratio": [2, 1]},
        {"begin": 10, "end": 50, "ratio": "equal", "change": "linear"},
        {"begin": 180, "ratio": {"coco": 1, "aic": 0}},
        {"begin": 500, "ratio": [1, 1]},
    ]
}


def test_the_stages_of_a_schedule_are_a_table(
    plan: Plan, forecast: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    config = load_config(TWO_TO_ONE)
    config.train_dataloader.sampler.source_ratio = SCHEDULE
    path = tmp_path / "schedule.py"
    config.dump(path)
    page = plan(path, *LENGTHS, "--world-size", 8)
    assert "sampler   MultiSourceSampler, source_ratio: 4 stages of a schedule" in page
    for line in (
        "1 holds  coco            0      0  66.667 %   10,319\n",
        "2 moves  coco       10,320     10  66.667 %   51,599  50.417 %\n",
        "         aic                       33.333 %           49.583 %\n",
        "3 holds  coco       51,600     50  50.000 %  185,759\n",
        "4 holds  coco      185,760    180     100 %  216,719\n",
        "2 coco  64.852 %        257-343  322-342  0.47          32-43  42-43  0.80",
        "4 aic        0 %              0        0     0              0      0     0",
    ):
        assert line in page
    assert max(map(len, page.splitlines())) <= 80
    said = forecast(path, *LENGTHS, "--world-size", 8)
    assert [stage["stage"]["begin"] for stage in said["stages"]] == [0, 10320, 51600, 185760]
    assert said["stages"][-1]["stage"]["end"] == said["steps"]
    assert said["period"] == 0
    coco, aic = said["sources"]
    assert coco["draws"] + aic["draws"] == 512 * said["steps"]


@pytest.mark.parametrize(
    ("dataset", "names", "items"),
    [
        pytest.param(COCO, ["coco"], 10, id="one data set"),
        pytest.param(mixture_of(COCO, AIC), ["coco", "aic"], 30, id="mixture"),
        pytest.param(mixture_of(COCO, AIC, COCO), ["coco[0]", "aic", "coco[1]"], 60, id="the same twice"),
        pytest.param(
            {"type": "ConcatDataset", "datasets": [COCO, COCO]}, ["coco[0]", "coco[1]"], 30, id="concatenated"
        ),
        pytest.param({"type": "RepeatDataset", "times": 3, "dataset": COCO}, ["coco"], 30, id="repeated"),
        pytest.param(mixture_of(mixture_of(COCO, AIC), AIC), ["coco_aic", "aic"], 30, id="nested"),
        pytest.param(
            mixture_of(
                {"type": "RepeatDataset", "times": 3, "dataset": COCO}, {**AIC, "metainfo": {"dataset_name": "b"}}
            ),
            ["coco", "b"],
            30,
            id="wrapped and renamed",
        ),
    ],
)
def test_other_data_sets_are_named_by_their_keypoint_sets(
    dataset: dict[str, Any],
    names: list[str],
    items: int,
    tmp_path: Path,
    forecast: Callable[..., dict[str, Any]],
) -> None:
    path = config_file(tmp_path, dataset=dataset)
    lengths = [f"{name}={10 * place}" for place, name in enumerate(names, 1)]
    said = forecast(path, "--lengths", *lengths)
    assert [(source["name"], source["samples"]) for source in said["sources"]] == [
        (name, 10 * place) for place, name in enumerate(names, 1)
    ]
    assert said["items"] == items
    assert [source["passes"] for source in said["sources"]] == [
        3 * items / sum(10 * n + 10 for n in range(len(names)))
    ] * len(names)


def test_names_of_sources_are_printed_as_they_are(tmp_path: Path, plan: Plan) -> None:
    """Brackets and colons are no markup."""
    named = {**COCO, "metainfo": {"dataset_name": "[bold]:smile:"}}
    page = plan(config_file(tmp_path, dataset=mixture_of(COCO, COCO, named)), "--lengths", "coco[0]=1", "coco[1]=2",
                "[bold]:smile:=3")  # fmt: skip
    assert "coco[1]              2" in page
    assert "[bold]:smile:        3" in page


def test_a_repeated_mixture_with_quotas_has_longer_epochs(
    tmp_path: Path, forecast: Callable[..., dict[str, Any]]
) -> None:
    dataset = {"type": "RepeatDataset", "times": 3, "dataset": mixture_of(COCO, AIC)}
    sampler = {"type": "MultiSourceSampler", "batch_size": 4, "source_ratio": [1, 1]}
    said = forecast(config_file(tmp_path, dataset=dataset, sampler=sampler), "--lengths", "coco=10", "aic=30")
    assert (said["items"], said["steps_per_epoch"]) == (120, 30)


def test_quotas_of_a_data_set_that_is_no_mixture_are_refused(tmp_path: Path, refusal: Callable[..., str]) -> None:
    sampler = {"type": "MultiSourceSampler", "batch_size": 4, "source_ratio": [1]}
    words = refusal(config_file(tmp_path, dataset=COCO, sampler=sampler), "--lengths", "coco=10")
    assert "draws the sources of a CombinedDataset, but the data set is CocoDataset" in words


@pytest.mark.parametrize(
    ("drop_last", "round_up", "world_size", "steps", "items", "seen"),
    [
        (False, True, 3, 4, 42, None),
        (False, False, 3, 4, 40, [3, 3]),
        (True, True, 3, 3, 36, None),
        (False, True, 1, 10, 40, [3, 3]),
    ],
)
def test_a_default_sampler_fills_up_or_drops_as_mmengine_does(
    drop_last: bool,
    round_up: bool,
    world_size: int,
    steps: int,
    items: int,
    seen: Any,
    tmp_path: Path,
    forecast: Callable[..., dict[str, Any]],
) -> None:
    """40 items in batches of 4 on each rank."""
    sampler = {"type": "DefaultSampler", "round_up": round_up}
    path = config_file(tmp_path, dataset=mixture_of(COCO, AIC), sampler=sampler, drop_last=drop_last)
    said = forecast(path, "--lengths", "coco=10", "aic=30", "--world-size", world_size)
    assert (said["steps_per_epoch"], said["items_per_epoch"]) == (steps, items)
    assert [source["seen"] for source in said["sources"]] == [seen, seen]
