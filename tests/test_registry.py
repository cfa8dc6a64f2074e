"""The registry facts of docs/design.md, each in an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

FLAGSHIPS = {("dataset", "CombinedDataset"), ("transform", "KeypointConverter"), ("data sampler", "MultiSourceSampler")}

STAND_IN_MMPOSE = """
from mmengine.registry import DATASETS as ROOT, Registry
DATASETS = Registry('dataset', parent=ROOT, scope='mmpose', locations=['mmpose.datasets'])
"""
STAND_IN_DATASETS = """
from mmpose.registry import DATASETS
@DATASETS.register_module()
class CombinedDataset:
    pass
"""


def run_python(code: str, repository: Path, *more_paths: Path) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(str(path) for path in (repository, *more_paths))
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=environment, capture_output=True, text=True, timeout=120
    )


def check(code: str, repository: Path, *more_paths: Path) -> str:
    done = run_python(code, repository, *more_paths)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def stand_in_mmpose(tmp_path: Path) -> Path:
    """A package that registers its CombinedDataset as MMPose does, for environments without MMPose."""
    package = tmp_path / "mmpose"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "registry.py").write_text(STAND_IN_MMPOSE)
    (package / "datasets.py").write_text(STAND_IN_DATASETS)
    return tmp_path


@pytest.mark.parametrize(
    ("registry", "name"),
    [
        ("DATASETS", "CombinedDataset"),
        ("DATASETS", "CocoDataset"),
        ("DATASETS", "MpiiDataset"),
        ("DATASETS", "AP10KDataset"),
        ("DATASETS", "CocoWholeBodyDataset"),
        ("DATASETS", "InterHand2DDoubleDataset"),
        ("TRANSFORMS", "KeypointConverter"),
        ("DATA_SAMPLERS", "MultiSourceSampler"),
        ("MODELS", "HRNet"),
        ("METRICS", "CocoMetric"),
        ("METRICS", "CocoWholeBodyMetric"),
        ("VISUALIZERS", "PoseLocalVisualizer"),
        ("HOOKS", "PoseVisualizationHook"),
    ],
)
def test_a_prefixed_name_resolves_without_an_import(registry: str, name: str, repository: Path) -> None:
    check(
        f"""
        from mmengine.registry import {registry} as root, Registry
        elsewhere = Registry(root.name, parent=root, scope='elsewhere')
        found = [where.get('mmpose_mix.{name}') for where in (root, elsewhere)]
        assert found[0] is found[1] and found[0].__module__.startswith('mmpose_mix.'), found
        """,
        repository,
    )


def test_importing_adds_exactly_three_names_to_mmengine(repository: Path) -> None:
    out = check(
        """
        import mmengine.registry as root, mmcv, mmengine.runner, mmengine.hooks, mmengine.visualization
        import mmcv.transforms, mmcv.cnn
        roots = [value for value in vars(root).values() if isinstance(value, root.Registry)]
        before = {(r.name, key) for r in roots for key in r.module_dict}
        import mmpose_mix
        for name, key in sorted({(r.name, key) for r in roots for key in r.module_dict} - before):
            print(name, key, sep=':')
        """,
        repository,
    )
    assert {tuple(line.split(":")) for line in out.split("\n") if line} == FLAGSHIPS


def test_every_class_lives_in_the_scope_of_this_package(repository: Path) -> None:
    check(
        """
        import mmpose_mix
        from mmengine.registry import Registry
        from mmpose_mix import registry
        children = [value for value in vars(registry).values() if isinstance(value, Registry)]
        assert children and all(child.scope == 'mmpose_mix' for child in children)
        classes = [cls for child in children for cls in child.module_dict.values()]
        assert classes and all(cls.__module__.startswith('mmpose_mix.') for cls in classes), classes
        """,
        repository,
    )


def test_the_default_scope_resolves_bare_names_to_ours_and_the_rest_to_mmengine(repository: Path) -> None:
    check(
        """
        from mmengine.registry import DATASETS, OPTIMIZERS, TRANSFORMS, DefaultScope
        DefaultScope.get_instance('run', scope_name='mmpose_mix')
        flip = TRANSFORMS.build(dict(type='RandomFlip', direction='horizontal'))
        assert type(flip).__module__.startswith('mmpose_mix.'), type(flip)
        with DATASETS.switch_scope_and_registry(None) as registry:
            assert registry.get('RepeatDataset').__module__.startswith('mmengine.')
        """,
        repository,
    )


def test_each_registry_that_a_runner_asks_for_has_a_child_in_our_scope(repository: Path) -> None:
    check(
        """
        import mmengine.registry as root, mmpose_mix
        for value in vars(root).values():
            if isinstance(value, root.Registry):
                assert 'mmpose_mix' in value.children, value.name
        """,
        repository,
    )


@pytest.mark.parametrize("order", ["mmpose.datasets, mmpose_mix", "mmpose_mix, mmpose.datasets"])
def test_nothing_is_written_into_the_registries_of_mmpose(order: str, repository: Path, stand_in_mmpose: Path) -> None:
    check(
        f"""
        import {order}
        from mmpose.registry import DATASETS
        from mmengine.registry import DATASETS as ROOT, DefaultScope
        assert list(DATASETS.module_dict) == ['CombinedDataset']
        DefaultScope.get_instance('run', scope_name='mmpose')
        with ROOT.switch_scope_and_registry(None) as registry:
            assert registry.get('CombinedDataset').__module__ == 'mmpose.datasets'
            assert registry.get('mmpose_mix.CombinedDataset').__module__ == 'mmpose_mix.datasets.combined'
        """,
        repository,
        stand_in_mmpose,
    )


def test_a_missing_mmcv_says_what_to_install(repository: Path) -> None:
    done = run_python("import sys; sys.modules['mmcv'] = None; import mmpose_mix", repository)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: mmpose_mix needs mmcv or mmcv-lite")
    assert "pip install mmcv-lite" in last


def test_an_import_changes_neither_torch_load_nor_the_checkpoint_loader(repository: Path) -> None:
    check(
        """
        import torch, mmengine.runner.checkpoint as checkpoint
        def state():
            trusted = getattr(torch.serialization, "get_safe_globals", list)()
            return torch.load, torch.serialization.pickle, dict(checkpoint.CheckpointLoader._schemes), trusted
        before = state()
        import mmpose_mix
        assert before == state()
        """,
        repository,
    )


@pytest.mark.parametrize(("call", "enabled"), [("enable", True), ("disable", False)])
def test_an_import_leaves_the_garbage_collector_as_it_was(call: str, enabled: bool, repository: Path) -> None:
    check(
        f"""
        import gc
        gc.{call}()
        import mmpose_mix
        assert gc.isenabled() is {enabled}
        assert gc.get_freeze_count() == 0
        """,
        repository,
    )
