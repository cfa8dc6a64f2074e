"""Configs are found by path or by name, and read as the runner will see them."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine.config import Config

from mmpose_mix.engine.launch import find_config, load_config, process_group, set_work_dir, use_amp
from mmpose_mix.metainfo import shipped_configs

MERGE = "td-hm_hrnet-w32_8xb64-210e_coco-aic-256x192-merge"


def test_a_shipped_config_is_found_by_its_name_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    by_name, with_suffix = find_config(MERGE), find_config(f"{MERGE}.py")
    by_path = find_config(f"body_2d_keypoint/topdown_heatmap/coco/{MERGE}.py")
    assert by_name == with_suffix == by_path
    assert by_name.is_relative_to(shipped_configs())


def test_a_file_beats_a_shipped_config_of_the_same_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / f"{MERGE}.py"
    own.write_text("x = 1\n")
    assert find_config(f"{MERGE}.py") == own.resolve()


def test_an_unknown_config_lists_where_it_was_sought_and_what_exists(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        find_config("no_such_config.py")
    message = str(caught.value)
    assert message.startswith("Config no_such_config.py is neither a file (looked at ")
    assert f"{MERGE}.py" in message


def test_the_scope_defaults_to_ours_and_overrides_are_merged(tmp_path: Path) -> None:
    path = tmp_path / "experiment.py"
    path.write_text("train_cfg = dict(max_epochs=1)\n")
    config = load_config(path, {"train_cfg.max_epochs": 7})
    assert config.default_scope == "mmpose_mix"
    assert config.train_cfg.max_epochs == 7


def test_a_metainfo_file_beside_the_config_is_found(tmp_path: Path) -> None:
    (tmp_path / "own_set.py").write_text("dataset_info = dict()\n")
    path = tmp_path / "experiment.py"
    path.write_text("train_dataloader = dict(dataset=dict(metainfo=dict(from_file='own_set.py')))\n")
    found = load_config(path).train_dataloader.dataset.metainfo.from_file
    assert Path(found) == tmp_path / "own_set.py"


def test_the_work_folder_is_named_after_the_config_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "experiment.py"
    path.write_text("x = 1\n")
    config = Config.fromfile(path)
    set_work_dir(config, None)
    assert config.work_dir == "work_dirs/experiment"
    set_work_dir(config, tmp_path)
    assert config.work_dir == str(tmp_path)


def test_mixed_precision_without_an_accelerator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmpose_mix.engine.launch.get_device", lambda: "cpu")
    with pytest.raises(ValueError, match="--amp needs an accelerator"):
        use_amp(Config({"optim_wrapper": {"type": "OptimWrapper"}}))


def test_mixed_precision_replaces_the_wrapper_and_only_a_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmpose_mix.engine.launch.get_device", lambda: "cuda")
    config = Config({"optim_wrapper": {"optimizer": {"type": "Adam"}}})
    use_amp(config)
    assert config.optim_wrapper.type == "AmpOptimWrapper"
    assert config.optim_wrapper.loss_scale == "dynamic"
    with pytest.raises(ValueError, match=r"optim_wrapper.type is ApexOptimWrapper"):
        use_amp(Config({"optim_wrapper": {"type": "ApexOptimWrapper"}}))


def test_a_launcher_without_its_environment_says_how_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmpose_mix.engine.launch.get_device", lambda: "cpu")
    for key in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(key, raising=False)
    with pytest.raises(RuntimeError, match="torchrun --nproc_per_node=N"), process_group(Config({}), "pytorch"):
        pass
