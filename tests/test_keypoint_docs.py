"""docs/keypoints.md says what is so: its blocks print what stands there, its tables are those of the data files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks import keypoint_pictures, keypoint_tables
from benchmarks.keypoint_layouts import places_of
from mmpose_mix.cli import main
from mmpose_mix.keypoints.schema import KeypointSet
from mmpose_mix.metainfo import named_keypoint_set, shipped_configs

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "keypoints.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"```(python|console)\n(.*?)```(?:\n```text\n(.*?)```)?", re.DOTALL)
# seen from the side, or a single hand
ONE_SIDED = ("ap10k", "animalpose", "coco_wholebody_hand", "freihand2d", "interhand2d", "onehand10k", "rhd2d")
SHIPPED = sorted(file.stem for file in (shipped_configs() / "_base_" / "datasets").glob("*.py"))


def test_every_block_prints_what_follows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = BLOCK.findall(PAGE)
    assert len(blocks) > 10
    for kind, text, follows in blocks:
        if kind == "python":
            exec(compile(text, "docs/keypoints.md", "exec"), names)
        else:
            command, follows = text.split("\n", 1)
            assert main(shlex.split(command.removeprefix("$ mmpose-mix "))) == 0
        assert capsys.readouterr().out == follows, text


def test_the_page_has_the_tables_of_the_data_files() -> None:
    assert keypoint_tables.page_with_tables(PAGE) == PAGE, "run `python -m benchmarks.keypoint_tables`"


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="0 times the comment '<!-- begin aliases -->'; give it once"):
        keypoint_tables.page_with_tables("# Keypoints\n")


def test_every_shipped_set_has_a_row_and_a_picture_on_the_page() -> None:
    assert sorted(re.findall(r"!\[\S+\]\(images/keypoints/(\S+)\.png\)", PAGE)) == SHIPPED
    assert sorted(re.findall(r"\[picture\]\(images/keypoints/(\S+)\.png\)", PAGE)) == SHIPPED
    assert sorted(file.stem for file in (DOCS / "images" / "keypoints").glob("*.png")) == SHIPPED


def test_what_the_page_links_to_is_there() -> None:
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", PAGE)]
    assert [link for link in links if link and not (DOCS / link).is_file()] == []


def test_every_repair_on_the_page_has_its_reason_in_the_differences() -> None:
    differences = (DOCS / "differences.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in differences.splitlines() if line.startswith("| `")]
    assert [name for name in keypoint_tables.REPAIRED if not any(f"`{name}.py`" in row for row in rows)] == []


def test_the_pictures_are_small() -> None:
    sizes = {file.name: file.stat().st_size for file in (DOCS / "images" / "keypoints").glob("*.png")}
    assert max(sizes.values()) < 40_000
    assert sum(sizes.values()) < 900_000


@pytest.mark.parametrize("name", SHIPPED)
def test_no_two_keypoints_are_drawn_at_one_place(name: str) -> None:
    places = places_of(named_keypoint_set(name))
    assert len({(round(x, 6), round(y, 6)) for x, y in places}) == len(places)


@pytest.mark.parametrize("name", [name for name in SHIPPED if name not in ONE_SIDED])
def test_a_template_of_two_sides_mirrors_as_the_set_does(name: str) -> None:
    keypoints, places = named_keypoint_set(name), np.array(places_of(named_keypoint_set(name)))
    np.testing.assert_allclose(places[list(keypoints.flip_indices)], places * [-1, 1], atol=1e-9)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_stored_picture_shows_each_keypoint_in_its_colour_at_its_place(name: str) -> None:
    keypoints = named_keypoint_set(name)
    stored = np.asarray(Image.open(DOCS / "images" / "keypoints" / f"{name}.png").convert("RGB")).astype(int)
    places, _ = keypoint_pictures.pixels_of(np.array(places_of(keypoints)))
    columns, rows = (places / keypoint_pictures.FINE).round().astype(int).T
    np.testing.assert_allclose(stored[rows, columns], keypoints.colors, atol=12)


def test_a_picture_of_the_page_is_the_one_that_the_command_draws(tmp_path: Path) -> None:
    drawn = keypoint_pictures.picture_of(named_keypoint_set("aic"), "aic")
    stored = np.asarray(Image.open(DOCS / "images" / "keypoints" / "aic.png").convert("RGB")).astype(int)
    assert stored.shape == drawn.shape
    assert np.abs(stored - drawn).mean() < 2


def test_a_keypoint_without_a_place_is_named() -> None:
    info = {0: {"name": "gill", "id": 0, "type": "", "swap": ""}}
    fish = KeypointSet.from_dataset_info(
        {"dataset_name": "fish", "keypoint_info": info, "skeleton_info": {}, "joint_weights": [1], "sigmas": []}, "fish"
    )
    with pytest.raises(ValueError, match="no template has the keypoints gill of 'fish'; add them to one"):
        places_of(fish)
