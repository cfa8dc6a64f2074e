"""Checkpoints are read without running what they name."""

from __future__ import annotations

import logging
import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Union
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, get_local_rank
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader

from mmpose_mix.engine.unpickling import Placeholder, RestrictedPickle

# MMEngine resolves these by itself and unpickles most of what it finds there without restriction.
_REFUSED_PREFIXES = (
    "modelzoo://",
    "torchvision://",
    "open-mmlab://",
    "openmmlab://",
    "mmcls://",
    "pavi://",
    r"(\S+\:)?s3://",
    r"(\S+\:)?petrel://",
)


def load_checkpoint_safely(path: Union[str, os.PathLike], map_location: Any = None) -> Any:
    """What ``torch.save`` wrote, with an inert :class:`Placeholder` for each object of an unknown class.

    Tensors, parameters, numpy arrays, plain containers and MMEngine's log buffers are loaded; nothing else is built,
    and no code that the file names runs. The names that were left out go to the log.

    Args:
        path: a file, of torch's zip format or of the older one.
        map_location: as ``torch.load`` takes it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no checkpoint: damaged, TorchScript, or of torch's tar format (before 0.1.10).
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file: give the path of a checkpoint.")
    restricted = RestrictedPickle()
    try:
        checkpoint = _load_plain_or_restricted(path, map_location, restricted)
    except Exception as error:
        raise ValueError(f"{path} cannot be read as a checkpoint: {type(error).__name__}: {error}") from error
    if restricted.refused:
        names = ", ".join(sorted(restricted.refused))
        print_log(f"{path} also names {names}: not loaded, not run.", logger="current", level=logging.WARNING)
    _forget_unknown_scheduler_state(checkpoint)
    return checkpoint


def use_safe_checkpoint_loader() -> None:
    """Make MMEngine load every checkpoint through :func:`load_checkpoint_safely`, in this process, from now on.

    This serves ``load_from``, ``resume``, ``Pretrained`` initialisation and tests: paths, and http(s) addresses, which
    are downloaded into torch.hub's folder once. MMEngine's other prefixes raise an error.
    """
    CheckpointLoader.register_scheme(prefixes="", loader=load_from_local, force=True)
    CheckpointLoader.register_scheme(prefixes=["http://", "https://"], loader=load_from_http, force=True)
    CheckpointLoader.register_scheme(prefixes=list(_REFUSED_PREFIXES), loader=load_from_refused, force=True)


# MMEngine logs these functions' names without their first ten letters.
def load_from_local(filename: str, map_location: Any = None) -> Any:
    """A checkpoint from a path."""
    return load_checkpoint_safely(filename, map_location)


def load_from_http(filename: str, map_location: Any = None) -> Any:
    """A checkpoint from an address; the first rank of each machine downloads it, unless it lies there already."""
    folder = Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / Path(urlparse(filename).path).name
    if get_local_rank() == 0 and not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(filename, str(path), progress=sys.stderr.isatty())
    barrier()
    return load_checkpoint_safely(path, map_location)


def load_from_refused(filename: str, map_location: Any = None) -> Any:
    """Says which addresses are allowed.

    Raises:
        ValueError: always.
    """
    raise ValueError(
        f"{filename!r} is not loaded: only files and http(s) addresses are. Give the address of the checkpoint itself, "
        "or download it and give the path."
    )


def _load_plain_or_restricted(path: Path, map_location: Any, restricted: RestrictedPickle) -> Any:
    """Torch's own loader of plain weights reads most files and refuses TorchScript and tar; ours reads the rest."""
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError:
        with _pickle_module_is_heard(restricted):
            return torch.load(path, map_location=map_location, weights_only=False, pickle_module=restricted)


@contextmanager
def _pickle_module_is_heard(restricted: RestrictedPickle) -> Iterator[None]:
    """torch 1.13 accepts ``pickle_module`` and then takes its own module's ``pickle`` all the same."""
    if not torch.__version__.startswith("1."):
        yield
        return
    ours = torch.serialization.pickle
    torch.serialization.pickle = restricted
    try:
        yield
    finally:
        torch.serialization.pickle = ours


def _forget_unknown_scheduler_state(checkpoint: object) -> None:
    """A scheduler's functions come from its config; no placeholder may take their place when it is resumed."""
    states = checkpoint.get("param_schedulers", []) if isinstance(checkpoint, dict) else []
    by_optimizer = states.values() if isinstance(states, dict) else [states]
    groups = [group for group in by_optimizer if isinstance(group, list)]
    for state in (state for group in groups for state in group if isinstance(state, dict)):
        for key in [key for key, value in state.items() if isinstance(value, Placeholder)]:
            del state[key]
