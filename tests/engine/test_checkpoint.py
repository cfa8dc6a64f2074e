"""Checkpoints load in both of torch's formats, and nothing that a file names is run."""

from __future__ import annotations

import contextlib
import functools
import http.server
import io
import os
import pickle
import tarfile
import threading
import warnings
import zipfile
from collections import Counter, OrderedDict, defaultdict
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler
from mmengine.runner import CheckpointLoader

from mmpose_mix.engine import load_checkpoint_safely, use_safe_checkpoint_loader
from mmpose_mix.engine.unpickling import Placeholder, RestrictedPickle

FORMATS = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


@pytest.fixture
def schemes(monkeypatch):
    """MMEngine's loaders, given back after the test."""
    monkeypatch.setattr(CheckpointLoader, "_schemes", OrderedDict(CheckpointLoader._schemes))


def _saved(content: Any, folder: Path, zipped: bool = True) -> Path:
    path = folder / "checkpoint.pth"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


class Foreign:
    """A class that loading does not trust."""

    def __init__(self) -> None:
        self.value = torch.ones(2)


class ForeignDict(dict):
    """Like the config classes that older checkpoints hold."""


class ForeignList(list):
    """A sequence of a foreign class."""


class Calls:
    """Pickles as a call of a function, or of what another such call gives."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.reduced = (function, args)

    def __reduce__(self) -> tuple:
        return self.reduced

    def __call__(self) -> None:
        """Pickle wants what is called to be callable."""


def _log_buffer() -> HistoryBuffer:
    buffer = HistoryBuffer()
    for value in (3.0, 1.0, 2.0):
        buffer.update(value, 2)
    return buffer


@FORMATS
def test_what_a_run_saves_comes_back(zipped, tmp_path):
    shared = torch.arange(12.0).view(3, 4)
    content = {
        "state_dict": OrderedDict(
            weight=shared, view=shared[1:, ::2], half=torch.ones(2).half(), flag=torch.tensor(True)
        ),
        "parameter": torch.nn.Parameter(torch.rand(2)),
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "betas": (0.9, 0.999)}]},
        "message_hub": {"log_scalars": OrderedDict(loss=_log_buffer())},
        "meta": {
            "weights": np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1],
            "colors": np.zeros((2, 3), np.uint8),
            "names": np.array(["nose", "neck"]),
            "big_endian": np.arange(3, dtype=">i2"),
            "empty": np.zeros((0, 3), np.float32),
            "nested": [(np.arange(2), [np.bool_(True)])],
            "numpy_dtype": np.dtype("f4"),
            "scalar": np.float64(0.5),
            "integer": np.int64(7),
            "milestones": Counter({170: 1}),
            "ids": {1, 2},
            "bytes": b"\x00\xff",
            "size": torch.Size([1, 2]),
            "dtype": torch.float32,
            "device": torch.device("cpu"),
            "default": defaultdict(list, a=[1]),
            "complex": 1j,
        },
    }
    loaded = load_checkpoint_safely(_saved(content, tmp_path, zipped), map_location="cpu")
    for key, tensor in content["state_dict"].items():
        torch.testing.assert_close(loaded["state_dict"][key], tensor, rtol=0, atol=0)
    assert isinstance(loaded["parameter"], torch.nn.Parameter)
    assert loaded["parameter"].requires_grad
    assert loaded["optimizer"] == content["optimizer"]
    for key, value in content["meta"].items():
        assert type(loaded["meta"][key]) is type(value)
        if isinstance(value, np.ndarray):
            assert loaded["meta"][key].dtype == value.dtype
            assert loaded["meta"][key].flags.writeable
        np.testing.assert_equal(loaded["meta"][key], value)
    assert loaded["meta"]["default"].default_factory is list


@FORMATS
def test_log_buffers_come_back_working(zipped, tmp_path):
    loaded = load_checkpoint_safely(_saved({"loss": _log_buffer()}, tmp_path, zipped))["loss"]
    assert type(loaded) is HistoryBuffer
    assert loaded.max() == 3.0
    assert loaded.statistics("mean", 2) == 0.75
    loaded.update(9.0)
    assert loaded.current() == 9.0
    assert pickle.loads(pickle.dumps(loaded)).data[0].tolist() == [3.0, 1.0, 2.0, 9.0]


def test_version_numbers_of_a_state_dict_survive(tmp_path):
    state = torch.nn.BatchNorm2d(2).state_dict()
    loaded = load_checkpoint_safely(_saved({"state_dict": state, "more": Foreign()}, tmp_path))["state_dict"]
    assert loaded._metadata[""]["version"] == 2


@FORMATS
def test_foreign_objects_become_inert_and_are_named_in_the_log(zipped, tmp_path, monkeypatch):
    logged: list[str] = []
    monkeypatch.setattr("mmpose_mix.engine.checkpoint.print_log", lambda text, **_: logged.append(text))
    content = {
        "state_dict": {"weight": torch.ones(2)},
        "meta": {"config": ForeignDict(a=1), "list": ForeignList([1]), "object": Foreign(), "class": Foreign},
    }
    loaded = load_checkpoint_safely(_saved(content, tmp_path, zipped))
    torch.testing.assert_close(loaded["state_dict"]["weight"], torch.ones(2))
    for key in ("config", "list", "object"):
        assert isinstance(loaded["meta"][key], Placeholder)
    assert repr(loaded["meta"]["object"]) == f"Placeholder({__name__}.Foreign)"
    (line,) = logged
    assert all(f"{__name__}.{kind}" in line for kind in ("Foreign", "ForeignDict", "ForeignList"))


def test_a_checkpoint_with_placeholders_can_be_copied_saved_and_loaded_again(tmp_path):
    first = load_checkpoint_safely(_saved({"meta": {"object": Foreign()}}, tmp_path))
    second = load_checkpoint_safely(_saved(deepcopy(first), tmp_path))
    assert repr(second["meta"]["object"]) == repr(first["meta"]["object"]) == f"Placeholder({__name__}.Foreign)"


def test_a_schedulers_functions_are_left_to_its_config(tmp_path):
    """MMEngine's OneCycleLR keeps a function in its state, which its config gives it anyhow."""
    schedulers = [{"last_step": 1}, {"last_step": 3, "anneal_func": OneCycleParamScheduler._annealing_cos}]
    for content in (schedulers, {"lr": schedulers}):
        loaded = load_checkpoint_safely(_saved({"param_schedulers": content}, tmp_path))["param_schedulers"]
        assert (loaded if isinstance(loaded, list) else loaded["lr"]) == [{"last_step": 1}, {"last_step": 3}]


def _attacks(flag: str) -> dict[str, Any]:
    """Objects which, unpickled without care, write the file ``flag``."""
    command = f"open({flag!r}, 'w').close()"
    run = Calls(exec, command)
    stored = np.empty(1, object)
    stored[0] = run
    nested = io.BytesIO()
    torch.save(run, nested)
    buffer = _log_buffer()
    buffer._statistics_methods = {"mean": run}
    return {
        "a call of exec": run,
        "a call of os.system": Calls(os.system, f"touch {flag}"),
        "a call of eval": Calls(eval, command),
        "a chain of getattr": Calls(Calls(getattr, Calls(__import__, "os"), "system"), f"touch {flag}"),
        "an object array": stored,
        "a nested pickle": Calls(pickle.loads, pickle.dumps(run)),
        "a nested checkpoint": Calls(torch.storage._load_from_bytes, nested.getvalue()),
        "a call of a partial": Calls(functools.partial(exec, command)),
        "a map that is walked": Calls(list, Calls(map, exec, [command])),
        "a key of a dict": {run: 1},
        "a method of a log buffer": buffer,
        "a tensor's class": Calls(torch._tensor._rebuild_from_type_v2, exec, Foreign, (command,), {}),
    }


@FORMATS
@pytest.mark.parametrize("name", _attacks(""))
def test_no_code_in_a_checkpoint_runs(name, zipped, tmp_path, monkeypatch):
    # the unrestricted load below does change the statistics of all log buffers of the process
    monkeypatch.setattr(HistoryBuffer, "_statistics_methods", dict(HistoryBuffer._statistics_methods))
    flag = tmp_path / "ran"
    content = {"state_dict": {"weight": torch.ones(2)}, "meta": _attacks(str(flag))[name]}
    path = _saved(content, tmp_path, zipped)
    loaded = load_checkpoint_safely(path)
    torch.testing.assert_close(loaded["state_dict"]["weight"], torch.ones(2))
    assert not flag.exists()
    # the file is an attack indeed
    with contextlib.suppress(Exception):
        torch.load(path, weights_only=False)
    assert flag.exists()


def _unpickled(opcodes: bytes) -> object:
    return RestrictedPickle().load(io.BytesIO(opcodes))


@pytest.mark.parametrize(
    "opcodes",
    [
        # BUILD, which sets attributes, on what the table hands out
        b"ccollections\nOrderedDict\n}X\x01\x00\x00\x00aK\x01sb.",
        b"ctorch._utils\n_rebuild_tensor_v2\nN}X\x01\x00\x00\x00aK\x01s\x86b.",
        b"ctorch._utils\n_rebuild_tensor_v2\nN}X\x09\x00\x00\x00_functionK\x01s\x86b.",
        b"cmmengine.logging.history_buffer\nHistoryBuffer\nN}X\x04\x00\x00\x00meanK\x01s\x86b.",
        b"cbuiltins\ndict\nN}X\x04\x00\x00\x00keysK\x01s\x86b.",
        # a tensor on something that is no storage
        b"ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x00K\x01\x85K\x01\x85tR.",
        # a log buffer of objects
        b"cmmengine.logging.history_buffer\nHistoryBuffer\n)\x81}X\x0c\x00\x00\x00_log_history](X\x01\x00\x00\x00aesb.",
    ],
)
def test_what_the_table_hands_out_cannot_be_changed_or_misused(opcodes):
    before = dict(vars(HistoryBuffer))
    with pytest.raises((pickle.UnpicklingError, TypeError, AttributeError, KeyError)):
        _unpickled(opcodes)
    assert dict(vars(HistoryBuffer)) == before


def _dtype_opcodes(code: bytes, itemsize: bytes = b"\xff\xff\xff\xff") -> bytes:
    """A numpy dtype as it is pickled, big-endian, with a state that claims ``itemsize`` bytes."""
    name = b"X" + bytes([len(code), 0, 0, 0]) + code
    return b"cnumpy\ndtype\n" + name + b"\x85R(K\x03X\x01\x00\x00\x00>NNNJ" + itemsize + b"K\x01K\x00tb"


def test_a_byte_order_in_a_file_changes_no_dtype_of_the_process():
    assert _unpickled(_dtype_opcodes(b"f8") + b".") == np.dtype(">f8")
    assert np.dtype("f8").isnative


@pytest.mark.parametrize("code", [b"M8", b"V8", b"O8", b"S0", b"2f8", b"f8,f8"])
def test_other_dtypes_than_numbers_and_text_are_not_built(code):
    """Numpy itself crashes on some of these states."""
    assert isinstance(_unpickled(_dtype_opcodes(code) + b"."), Placeholder)


@pytest.mark.parametrize("code", [b"S4", b"U1", b"f8"])
def test_sizes_that_a_file_claims_are_not_believed(code):
    array = b"cnumpy.core.multiarray\n_reconstruct\n)R(K\x01K\x02\x85" + _dtype_opcodes(code, b"\x00\x00\x00\x7f")
    size = np.dtype(code.decode()).itemsize * 2
    whole = array + b"\x89C" + bytes([size]) + b"a\x00\x00\x00" * (size // 4) + b"tb."
    assert _unpickled(whole).shape == (2,)
    with pytest.raises(pickle.UnpicklingError, match="comes with 4 bytes"):
        _unpickled(array + b"\x89C\x04abcdtb.")


def test_names_resolve_whatever_python_2_called_them():
    assert _unpickled(b"c__builtin__\nset\n](K\x01K\x02e\x85R.") == {1, 2}


@FORMATS
def test_a_damaged_file_is_named(zipped, tmp_path):
    path = _saved({"more": Foreign()}, tmp_path, zipped)
    path.write_bytes(path.read_bytes()[:-40] if zipped else b"\x80\x02broken")
    with pytest.raises(ValueError, match=rf"{path.name} cannot be read as a checkpoint"):
        load_checkpoint_safely(path)


def test_torchscript_and_tar_are_no_checkpoints(tmp_path):
    path = tmp_path / "script.pt"
    torch.save({"weight": torch.ones(1)}, path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("script/constants.pkl", pickle.dumps(()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with pytest.raises(ValueError, match=r"script\.pt cannot be read as a checkpoint"):
            load_checkpoint_safely(path)
    with tarfile.open(tmp_path / "old.pt", "w") as archive:
        archive.add(path, "pickle")
    with pytest.raises(ValueError, match=r"old\.pt cannot be read as a checkpoint"):
        load_checkpoint_safely(tmp_path / "old.pt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        load_checkpoint_safely(tmp_path / "nothing.pth")


def test_importing_the_package_leaves_mmengines_loader_alone():
    assert not any(loader.__module__.startswith("mmpose_mix") for loader in CheckpointLoader._schemes.values())


def test_mmengine_loads_paths_and_addresses_safely_once_told_to(schemes, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    path = _saved({"loss": _log_buffer(), "object": Foreign()}, tmp_path)
    use_safe_checkpoint_loader()
    assert isinstance(CheckpointLoader.load_checkpoint(str(path))["object"], Placeholder)
    handler = functools.partial(_Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/{path.name}"
        loaded = CheckpointLoader.load_checkpoint(address, map_location="cpu")
        server.shutdown()
    assert isinstance(loaded["object"], Placeholder)
    assert isinstance(loaded["loss"], HistoryBuffer)
    # the second time it lies in the folder
    assert isinstance(CheckpointLoader.load_checkpoint(address)["object"], Placeholder)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("address", ["torchvision://resnet50", "open-mmlab://resnet50", "mmcls://a", "s3://b/c.pth"])
def test_addresses_that_mmengine_would_load_otherwise_are_refused(address, schemes):
    use_safe_checkpoint_loader()
    with pytest.raises(ValueError, match=r"only files and http\(s\) addresses are"):
        CheckpointLoader.load_checkpoint(address)
