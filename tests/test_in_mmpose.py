"""The three ways from a config of MMPose to our mixing, each in an interpreter of its own."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from mmpose_mix.toy import draw_tiny_mixture
from tests.in_mmpose_runs import REPOSITORY, import_mmpose_models, output_of, python_with_mmpose

CONFIGS = REPOSITORY / "configs" / "in_mmpose"
PREFIXED, SCOPED, TAKEN = (CONFIGS / name for name in ("a_prefixed-names.py", "b_default-scope.py", "c_takeover.py"))
PLAIN = CONFIGS / "td-hm_hrnet-w32_coco-aic-merge.py"

# Trains an epoch of two steps with a small network, evaluates, and prints which classes did it.
TRAIN = """
from mmengine.config import Config
from mmengine.runner import Runner
import torch
torch.set_num_threads(1)
config = {load}
config.merge_from_dict(dict(
    work_dir='runs', randomness=dict(seed=3), train_cfg=dict(max_epochs=1, val_interval=1),
    train_dataloader=dict(
        batch_size=6, num_workers=0, persistent_workers=False, sampler=dict(batch_size=6), dataset=dict(pipeline=[
            dict(type='LoadImage'), dict(type='GetBBoxCenterScale'),
            dict(type='RandomFlip', direction='horizontal'), dict(type='RandomHalfBody'),
            dict(type='RandomBBoxTransform'), dict(type='TopdownAffine', input_size=(64, 64)),
            dict(type='GenerateTarget', encoder=dict(
                type='MSRAHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=2)),
            dict(type='PackPoseInputs')])),
    val_dataloader=dict(batch_size=6, num_workers=0, persistent_workers=False)))
config.val_dataloader.dataset.bbox_file = ''
config.model.backbone = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4)
config.model.head.update(in_channels=32, deconv_out_channels=(8, 8, 8), deconv_kernel_sizes=(4, 4, 4))
config.model.head.decoder = config.train_dataloader.dataset.pipeline[-2].encoder
config.val_dataloader.dataset.pipeline[2].input_size = (64, 64)
runner = Runner.from_cfg(config)
loader = runner.build_dataloader(config.train_dataloader, seed=0)
counts = [sum(s.dataset_name == 'coco' for s in batch['data_samples']) for batch in loader]
assert set(counts) == {{4}}, counts
runner.train()
mixture = runner.train_dataloader.dataset
parts = mixture, runner.train_dataloader.sampler, mixture.datasets[1].pipeline.transforms[0]
parts += mixture.datasets[0], mixture.pipeline.transforms[-1], runner.model, runner.val_evaluator.metrics[0]
print('PARTS', *(type(part).__module__.split('.')[0] for part in parts))
"""
OF_RUNNER = "Config.fromfile({path!r})"
OF_COMMAND = "__import__('mmpose_mix.engine.launch', fromlist=['x']).load_config({path!r}, {overrides!r})"
OURS, MIXED_BY_OURS = ["mmpose_mix"] * 7, ["mmpose_mix"] * 3 + ["mmpose"] * 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with drawn images where the configs have COCO and AI Challenger."""
    root = tmp_path_factory.mktemp("in_mmpose")
    drawn = draw_tiny_mixture(root / "drawn")
    aic = root / "data/aic/ai_challenger_keypoint_train_20170902/keypoint_train_images_20170902"
    annotations = root / "data/coco/annotations", root / "data/aic/annotations"
    shutil.copytree(drawn.images("aic", "train"), aic)
    for split in ("train", "val"):
        shutil.copytree(drawn.images("coco", split), root / f"data/coco/{split}2017")
    for place in annotations:
        place.mkdir(parents=True)
    for split in ("train", "val"):
        shutil.copy(drawn.annotations("coco", split), annotations[0] / f"person_keypoints_{split}2017.json")
    shutil.copy(drawn.annotations("aic", "train"), annotations[1] / "aic_train.json")
    return root


@pytest.fixture(scope="module")
def peer() -> str:
    found = python_with_mmpose()
    if found is None:
        pytest.skip("MMPose is not installed here; name an interpreter that has it by MMPOSE_MIX_PEER_PYTHON")
    return found


def trained(load: str, folder: Path, python: str = sys.executable, before: str = "") -> tuple[list[str], str]:
    """Where the parts of a training come from, and all that it said."""
    said = output_of(before + TRAIN.format(load=load), python=python, cwd=folder)
    return next(line.split()[1:] for line in said.splitlines() if line.startswith("PARTS")), said


@pytest.mark.parametrize("path", [PREFIXED, TAKEN], ids=lambda path: path.stem)
def test_an_mmpose_config_mixes_with_ours_and_does_the_rest_with_mmposes(
    path: Path, folder: Path, peer: str, tmp_path: Path
) -> None:
    parts, said = trained(OF_RUNNER.format(path=str(path)), folder, peer, import_mmpose_models(tmp_path))
    assert parts == MIXED_BY_OURS
    assert ("of MMPose are now those of mmpose_mix" in said) is (path is TAKEN)


@pytest.mark.parametrize(
    "load",
    [
        pytest.param(OF_RUNNER.format(path=str(SCOPED)), id="the scope in the file"),
        pytest.param(
            OF_COMMAND.format(path=str(PLAIN), overrides={"default_scope": "mmpose_mix"}), id="the scope as an option"
        ),
    ],
)
def test_the_same_config_runs_wholly_on_ours_under_our_scope(load: str, folder: Path) -> None:
    assert trained(load, folder)[0] == OURS


@pytest.mark.parametrize("path", [PREFIXED, TAKEN], ids=lambda path: path.stem)
def test_without_mmpose_the_command_runs_the_same_file_on_ours(path: Path, folder: Path) -> None:
    hidden = "import importlib.util as u\nfound = u.find_spec\n"
    hidden += "u.find_spec = lambda name, *rest: None if name == 'mmpose' else found(name, *rest)\n"
    parts, said = trained(OF_COMMAND.format(path=str(path), overrides={}), folder, before=hidden)
    assert parts == OURS
    assert "MMPose is not installed, so its default_scope='mmpose' is run as default_scope='mmpose_mix'" in said
    assert ("so there is nothing to take over" in said) is (path is TAKEN)


STAND_IN = {
    "__init__.py": "",
    "registry.py": """
        import mmengine.registry as root
        from mmengine.registry import Registry
        def child(parent):
            return Registry(parent.name, parent=parent, scope='mmpose', locations=['mmpose.datasets'])
        DATASETS, TRANSFORMS, DATA_SAMPLERS = map(child, (root.DATASETS, root.TRANSFORMS, root.DATA_SAMPLERS))
    """,
    "datasets.py": """
        from mmcv.transforms import BaseTransform
        from mmengine.dataset import BaseDataset
        from torch.utils.data import Sampler
        from mmpose.registry import DATASETS, DATA_SAMPLERS, TRANSFORMS
        @DATASETS.register_module()
        class CombinedDataset(BaseDataset):
            def __init__(self, metainfo, datasets, pipeline=[], sample_ratio_factor=None, **kwargs):
                raise AssertionError('the CombinedDataset of mmpose was built')
            def get_data_info(self, idx):
                raise AssertionError('the CombinedDataset of mmpose was asked')
        @DATASETS.register_module()
        class OtherDataset(BaseDataset):
            pass
        @TRANSFORMS.register_module()
        class KeypointConverter(BaseTransform):
            def transform(self, results):
                raise AssertionError('the KeypointConverter of mmpose was asked')
        @DATA_SAMPLERS.register_module()
        class MultiSourceSampler(Sampler):
            pass
        @DATA_SAMPLERS.register_module()
        class CheckingSampler(Sampler):
            def __init__(self, dataset, **options):
                assert isinstance(dataset, CombinedDataset), type(dataset)
                self.dataset = dataset
            def __iter__(self):
                return iter(range(len(self.dataset)))
            def __len__(self):
                return len(self.dataset)
    """,
}
ITEMS = """
import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS as ROOT
@ROOT.register_module()
class Persons(BaseDataset):
    METAINFO = dict()
    def load_data_list(self):
        points = np.arange(28, dtype=np.float32).reshape(1, 14, 2)
        return [dict(keypoints=points, keypoints_visible=np.ones((1, 14), np.float32), dataset_name='p')] * 6
mixture = dict(
    type='{prefix}CombinedDataset', metainfo=dict(from_file='configs/_base_/datasets/coco.py'),
    datasets=[dict(type='Persons', pipeline=[
        dict(type='{prefix}KeypointConverter', num_keypoints=17, mapping=[(0, 6), (1, 8)])])])
"""
LOAD = """
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
import mmpose.datasets as theirs
from mmpose.registry import DATASETS, TRANSFORMS, DATA_SAMPLERS
DefaultScope.get_instance('run', scope_name='mmpose')
loader = Runner.build_dataloader(dict(
    batch_size=2, num_workers=2, multiprocessing_context='{start}', sampler=dict(type='{sampler}', {options}),
    dataset=mixture))
names = {{r.name: sorted(r.module_dict) for r in (DATASETS, TRANSFORMS, DATA_SAMPLERS)}}
assert names == {{
    'dataset': ['CombinedDataset', 'OtherDataset'], 'transform': ['KeypointConverter'],
    'data sampler': ['CheckingSampler', 'MultiSourceSampler']}}, names
batch = next(iter(loader))
assert [x.tolist() for x in batch['keypoints'][0][0, 6:9:2]] == [[0, 1], [2, 3]], batch
registered = DATASETS.module_dict['CombinedDataset']
dataset = loader.dataset
"""


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A package `mmpose` of three mixing classes, none of which works, and a sampler that asks for its own class."""
    import textwrap

    (tmp_path / "mmpose").mkdir()
    for name, text in STAND_IN.items():
        (tmp_path / "mmpose" / name).write_text(textwrap.dedent(text))
    return tmp_path


def test_prefixed_names_leave_mmposes_own_as_they_are(stand_in: Path) -> None:
    load = LOAD.format(start="fork", sampler="mmpose_mix.MultiSourceSampler", options="batch_size=2, source_ratio=[1]")
    code = "import mmpose_mix\n" + ITEMS.format(prefix="mmpose_mix.") + load
    code += "assert registered is theirs.CombinedDataset and not isinstance(dataset, theirs.CombinedDataset)\n"
    output_of(code, stand_in)


@pytest.mark.parametrize("sampler", ["MultiSourceSampler", "CheckingSampler"])
def test_bare_names_are_ours_after_the_take_over_and_pass_mmposes_checks(sampler: str, stand_in: Path) -> None:
    options = "batch_size=2, source_ratio=[1]" if sampler == "MultiSourceSampler" else ""
    code = "import mmpose_mix.takeover as taken\n" + ITEMS.format(prefix="")
    code += LOAD.format(start="fork", sampler=sampler, options=options)
    code += """
import pickle
from mmpose_mix.datasets import CombinedDataset as ours
from mmpose_mix.transforms import KeypointConverter as our_converter
assert registered is taken.CombinedDataset and type(dataset) is registered
assert isinstance(dataset, theirs.CombinedDataset) and isinstance(dataset, ours)
converter = dataset.datasets[0].pipeline.transforms[0]
assert isinstance(converter, theirs.KeypointConverter) and isinstance(converter, our_converter)
assert type(pickle.loads(pickle.dumps(converter))) is taken.KeypointConverter
"""
    said = output_of(code, stand_in)
    assert "CombinedDataset, KeypointConverter and MultiSourceSampler of MMPose are now those of mmpose_mix" in said


def test_nothing_but_the_three_classes_of_mmpose_changes(stand_in: Path) -> None:
    output_of(
        """
        import mmengine.registry as root, mmpose.datasets
        registries = [value for value in vars(root).values() if isinstance(value, root.Registry)]
        def entries():
            return {(r.name, key): cls for r in registries for key, cls in r.children['mmpose'].module_dict.items()
                    if 'mmpose' in r.children}
        registries = [r for r in registries if 'mmpose' in r.children]
        before = entries()
        import mmpose_mix
        assert entries() == before
        import mmpose_mix.takeover
        after = entries()
        changed = {key for key in after if after[key] is not before.get(key)}
        assert set(after) == set(before)
        assert changed == {('dataset', 'CombinedDataset'), ('transform', 'KeypointConverter'),
                           ('data sampler', 'MultiSourceSampler')}, changed
        """,
        stand_in,
    )


def test_nothing_of_the_package_imports_the_take_over(stand_in: Path) -> None:
    output_of(
        """
        import pkgutil, sys, importlib, mmpose_mix
        for module in pkgutil.walk_packages(mmpose_mix.__path__, 'mmpose_mix.'):
            if module.name not in ('mmpose_mix.takeover', 'mmpose_mix.__main__'):
                importlib.import_module(module.name)
        assert 'mmpose_mix.takeover' not in sys.modules
        """,
        stand_in,
    )
