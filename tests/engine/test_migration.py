"""Configs of MMPose rewritten: the same mixture, by name, with comments and layout kept."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from mmengine.config import Config

from mmpose_mix.engine.migrated_tables import mixtures_of, used_tables
from mmpose_mix.engine.migration import migrate
from mmpose_mix.keypoints.matching import match_keypoints
from mmpose_mix.metainfo import named_keypoint_set

TABLE = """# keypoints of AIC that COCO has
aic_coco = [
    (0, 6), (1, 8), (2, 10), (3, 5), (4, 7), (5, 9),
    (6, 12), (7, 14), (8, 16), (9, 11), (10, 13), (11, 15),
]
"""
CONFIG = f"""_base_ = ['base.py']

{TABLE}
# sources
aic = dict(
    type='AicDataset',
    ann_file='aic.json',  # the whole of it
    pipeline=[dict(type='KeypointConverter', num_keypoints=17, mapping=aic_coco)])
coco = dict(type='CocoDataset', ann_file='coco.json', pipeline=[])
train_dataloader = dict(
    batch_size=4,
    sampler=dict(type='MultiSourceSampler', batch_size=4, source_ratio=[1, 1]),
    dataset=dict(
        type='CombinedDataset', metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
        datasets=[coco, aic], sample_ratio_factor=[1, 0.5]))
"""
COMBINED = "dict(type='CombinedDataset', metainfo=dict(from_file='configs/_base_/datasets/{}.py'), datasets=[{}])"
SOURCE = "dict(type='{}', ann_file='x.json', pipeline=[dict(type='KeypointConverter', num_keypoints={}, mapping={})])"
WRONG_EYES = {8: 60, 9: 72, 10: 64, 11: 68, 12: 62, 13: 66, 14: 70, 15: 74}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.py").write_text("default_scope = 'mmpose'\n")
    return tmp_path


def written(folder: Path, text: str, name: str = "config.py") -> Path:
    (folder / name).write_text(text)
    return folder / name


def mixture(target: str, kind: str, num_keypoints: int, table: object) -> str:
    return f"train_dataloader = dict(dataset={COMBINED.format(target, SOURCE.format(kind, num_keypoints, table))})\n"


def tables(path: Path) -> list:
    return used_tables(Config.fromfile(path).to_dict())


def test_the_scope_is_set_the_table_is_named_and_all_else_stays(folder: Path) -> None:
    after = migrate(written(folder, CONFIG)).after
    expected = CONFIG.replace(TABLE.partition("\n")[2], "")
    expected = expected.replace("['base.py']\n", "['base.py']\n\ndefault_scope = 'mmpose_mix'\n")
    assert after == expected.replace("mapping=aic_coco", "mapping='auto'")


def test_the_prefix_is_written_and_imported(folder: Path) -> None:
    path = written(folder, CONFIG)
    after = migrate(path, "prefix").after
    for name in ("CombinedDataset", "KeypointConverter", "MultiSourceSampler"):
        assert f"type='mmpose_mix.{name}'" in after
        assert f"'{name}'" not in after
    assert "custom_imports = dict(imports=['mmpose_mix'], allow_failed_imports=False)" in after
    assert "default_scope" not in after
    kept = "custom_imports = dict(imports=['mine'], allow_failed_imports=True)  # ours\n"
    after = migrate(written(folder, CONFIG + kept), "prefix").after
    assert "custom_imports = dict(imports=['mmpose_mix', 'mine'], allow_failed_imports=True)  # ours" in after


@pytest.mark.parametrize("way", ["scope", "prefix"])
def test_the_new_file_gives_the_same_mixture_from_another_folder(way: str, folder: Path) -> None:
    path, out = written(folder, CONFIG), folder / "deep" / "er" / "new.py"
    out.parent.mkdir(parents=True)
    out.write_text(migrate(path, way, out).after)
    assert "_base_ = ['../../base.py']" in out.read_text()
    assert tables(out) == tables(path)
    assert len(tables(out)) == 1
    before, after = (next(mixtures_of(Config.fromfile(each).to_dict())) for each in (path, out))
    assert {**after, "type": 0, "datasets": 0} == {**before, "type": 0, "datasets": 0}
    assert after["datasets"][0] == before["datasets"][0]


def test_a_table_that_is_used_elsewhere_stays_and_so_does_one_that_is_asked_for(folder: Path) -> None:
    assert TABLE in migrate(written(folder, CONFIG + "other = aic_coco\n")).after
    assert TABLE in migrate(written(folder, CONFIG), keep_tables=True).after


def test_a_default_scope_that_is_there_is_replaced(folder: Path) -> None:
    after = migrate(written(folder, "default_scope = 'mmpose'  # MMPose's\n" + CONFIG)).after
    assert after.startswith("default_scope = 'mmpose_mix'  # MMPose's\n")


@pytest.mark.parametrize(
    ("source", "target", "kind", "words"),
    [
        ("mpii", "crowdpose", "MpiiDataset", "points={'neck': 'thorax'}"),
        ("jhmdb", "halpe26", "JhmdbDataset", "approximate=['head']"),
        ("halpe", "crowdpose", "HalpeDataset", "drop=['top_head', 'neck']"),
    ],
)
def test_a_table_that_auto_has_to_be_told_is_told(
    source: str, target: str, kind: str, words: str, folder: Path
) -> None:
    sets = named_keypoint_set(source), named_keypoint_set(target)
    choices = eval(f"dict({words})")
    pairs = list(match_keypoints(*sets, **choices).mapping.pairs)
    path = written(folder, mixture(target, kind, sets[1].num_keypoints, pairs))
    after = migrate(path).after
    assert f"mapping='auto', {words})" in after
    assert tables(written(folder, after, "new.py")) == tables(path)


def test_a_table_of_no_names_stays_and_the_note_says_so(folder: Path) -> None:
    migration = migrate(written(folder, mixture("coco", "AicDataset", 17, [((0, 3), 0), (1, 8)])))
    assert "mapping=[((0, 3), 0), (1, 8)]" in migration.after
    note = "AicDataset: its index table of aic -> coco stays, which 'auto' does not give for any choice; see "
    assert any(note in each for each in migration.notes)


# section 2b, face6
def test_mmposes_table_from_cofw_to_lapa_is_put_right(folder: Path) -> None:
    sets = named_keypoint_set("cofw"), named_keypoint_set("lapa")
    right = dict(match_keypoints(*sets, approximate=True).mapping.pairs)
    wrong = [(source, WRONG_EYES.get(source, place)) for source, place in right.items() if source not in (16, 17)]
    after = migrate(written(folder, mixture("lapa", "COFWDataset", 106, wrong))).after
    table = tables(written(folder, after, "new.py"))[0]
    assert dict(eval(pair) for _, pair in table.pairs) == {s: t for s, t in right.items() if s not in (16, 17)}


def test_the_notes_say_what_the_mixture_does_otherwise(folder: Path) -> None:
    notes = "\n".join(migrate(written(folder, CONFIG)).notes)
    assert "AicDataset: mapping='auto' is the index table of aic -> coco" in notes
    assert "MultiSourceSampler keeps source_ratio exactly" in notes
    assert "sample_ratio_factor takes every sample equally often" in notes
    assert "MixtureEpochHook" in "\n".join(migrate(written(folder, CONFIG), "prefix").notes)


@pytest.mark.parametrize(
    ("text", "way", "words"),
    [
        ("model = dict(type='HRNet')\n", "scope", "config.py has no CombinedDataset, so it mixes nothing"),
        ("from mmpose.datasets import CocoDataset\n", "scope", "imports: configs of MMEngine's new style name classes"),
        ("a = (\n", "scope", "config.py is no config that can be read"),
        (mixture("coco", "UBody3dDataset", 17, [(0, 0)]), "scope", "mixes UBody3dDataset: 3-D poses are outside"),
        (CONFIG + "model = dict(type='RTMO')\n", "scope", "lacks\n  model: there is no model 'RTMO'"),
        (mixture("coco", "AicDataset", 17, [(0, 6), (1, 6)]), "scope", "its mixture cannot be read: "),
        ("_base_ = ['full.py']\nx = 1\n", "prefix", "of its mixture come from a config in _base_: migrate that file"),
        (CONFIG, "sideways", "way='sideways', allowed are scope, prefix."),
    ],
)
def test_what_cannot_be_migrated_is_refused_with_the_reason(text: str, way: str, words: str, folder: Path) -> None:
    written(folder, CONFIG, "full.py")
    with pytest.raises(ValueError, match=re.escape(words)):
        migrate(written(folder, text), way)


def test_a_part_that_only_mmpose_has_is_no_obstacle_to_the_prefix(folder: Path) -> None:
    assert "RTMO" in migrate(written(folder, CONFIG + "model = dict(type='RTMO')\n"), "prefix").after


def test_all_of_mmposes_mixtures_migrate(tmp_path: Path) -> None:
    folder = os.environ.get("MMPOSE_MIX_MMPOSE_CONFIGS")
    if folder is None:
        pytest.skip("MMPose's configs are absent: set MMPOSE_MIX_MMPOSE_CONFIGS to the folder that holds them")
    paths = [path for path in Path(folder).rglob("*.py") if "CombinedDataset" in path.read_text()]
    assert len(paths) >= 48
    for path in paths[:: max(1, len(paths) // 12)]:
        migration = migrate(path, "prefix", tmp_path / path.name)
        assert not [note for note in migration.notes if "stays" in note], path
