"""The switches of a training step, written as a config writes them: what they change, and that checkpoints do not tell.

``compile`` is MMEngine's; it is tested here on this package's model, with a backend that needs no compiler.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import Runner
from mmengine.structures import InstanceData, PixelData
from torch.utils.data import DataLoader

from mmpose_mix.engine import Bfloat16OptimWrapper
from mmpose_mix.structures import PoseDataSample

# torch's compiler looks at the gradient of what has none, and says so
pytestmark = [
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning"),
    pytest.mark.skipif(not hasattr(torch, "compile"), reason="torch 2.0 was the first to compile"),
]
CODEC = {"type": "MSRAHeatmap", "input_size": (24, 32), "heatmap_size": (6, 8), "sigma": 1.0}
MODEL = {
    "type": "TopdownPoseEstimator",
    "data_preprocessor": {"type": "PoseDataPreprocessor", "mean": [127.0] * 3, "std": [50.0] * 3},
    "backbone": {
        "type": "ResNet",
        "depth": 10,
        "base_channels": 4,
        "stem_channels": 4,
        "num_stages": 1,
        "strides": (1,),
        "dilations": (1,),
        "out_indices": (0,),
    },
    "head": {
        "type": "HeatmapHead",
        "in_channels": 4,
        "out_channels": 4,
        "deconv_out_channels": None,
        "decoder": CODEC,
        "init_cfg": [{"type": "Normal", "layer": "Conv2d", "std": 0.1}],
    },
}
SGD = {"type": "SGD", "lr": 0.1}
CHANNELS_LAST = {"model": {**MODEL, "channels_last": True}}
COMPILED = {"cfg": {"compile": {"backend": "eager"}}}
BFLOAT16 = {"optim_wrapper": {"type": "Bfloat16OptimWrapper", "optimizer": SGD}}


def batches() -> list[dict[str, Any]]:
    """Two batches of four drawn-by-dice samples."""
    generator = torch.Generator().manual_seed(0)
    samples = []
    for _ in range(8):
        sample = PoseDataSample()
        sample.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, 4))
        sample.gt_fields = PixelData(heatmaps=torch.rand(4, 8, 6, generator=generator))
        image = torch.randint(0, 256, (3, 32, 24), dtype=torch.uint8, generator=generator)
        samples.append({"inputs": image, "data_samples": sample})
    return samples


def trained(work_dir: Path, **switches: Any) -> Runner:
    """A runner after two steps, always from the same weights."""
    loader = DataLoader(batches(), 4, collate_fn=lambda items: {key: [item[key] for item in items] for key in items[0]})
    options: dict[str, Any] = {"model": MODEL, "optim_wrapper": {"optimizer": SGD}, **switches}
    runner = Runner(
        work_dir=str(work_dir),
        train_dataloader=loader,
        train_cfg={"by_epoch": True, "max_epochs": 1},
        randomness={"seed": 0},
        default_scope="mmpose_mix",
        experiment_name=work_dir.name,
        log_level="WARNING",
        **options,
    )
    runner.train()
    return runner


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The weights that the plain training ends with."""
    return trained(tmp_path_factory.mktemp("plain")).model.state_dict()


@pytest.mark.parametrize(
    "switches", [CHANNELS_LAST, COMPILED, {**CHANNELS_LAST, **COMPILED}], ids=["channels_last", "compile", "both"]
)
def test_a_training_with_a_switch_ends_where_the_plain_one_does(switches, plain, tmp_path):
    weights = trained(tmp_path, **switches).model.state_dict()
    assert weights.keys() == plain.keys()
    for name, weight in weights.items():
        torch.testing.assert_close(weight, plain[name], rtol=0, atol=1e-4, msg=name)


def test_bfloat16_rounds_the_step_and_keeps_the_weights(plain, tmp_path):
    runner = trained(tmp_path, **BFLOAT16)
    assert type(runner.optim_wrapper) is Bfloat16OptimWrapper
    weights = runner.model.state_dict()
    assert {name: weight.dtype for name, weight in weights.items()} == {n: w.dtype for n, w in plain.items()}
    differences = [(weights[name].float() - plain[name].float()).abs().max() for name in plain]
    assert 0 < max(differences) < 0.02
    with runner.optim_wrapper.optim_context(runner.model):
        assert runner.model(torch.rand(1, 3, 32, 24)).dtype == torch.bfloat16
    assert runner.model(torch.rand(1, 3, 32, 24)).dtype == torch.float32


def test_a_compiled_step_is_what_the_runner_calls(tmp_path):
    plain_step = trained(tmp_path / "plain").model.train_step
    compiled_step = trained(tmp_path / "compiled", **COMPILED).model.train_step
    assert not hasattr(plain_step, "_torchdynamo_orig_callable")
    assert hasattr(compiled_step, "_torchdynamo_orig_callable")


def test_a_checkpoint_of_every_switch_loads_without_any(tmp_path):
    runner = trained(tmp_path / "all", **{**CHANNELS_LAST, **COMPILED, **BFLOAT16})
    (checkpoint,) = (tmp_path / "all").glob("*.pth")
    saved = torch.load(checkpoint, weights_only=False)["state_dict"]
    model = trained(tmp_path / "plain").model
    assert saved.keys() == model.state_dict().keys()
    model.load_state_dict(saved)
    image = torch.rand(1, 3, 32, 24)
    torch.testing.assert_close(model.eval()(image), runner.model.eval()(image), rtol=0, atol=1e-4)


@pytest.mark.skipif(torch.cuda.is_available(), reason="MMEngine's wrapper works where there is an accelerator")
def test_mmengines_amp_wrapper_still_refuses_a_cpu():
    """Why there is a wrapper of ours."""
    with pytest.raises(AssertionError, match="only available training"):
        AmpOptimWrapper(optimizer=torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1), dtype="bfloat16")
