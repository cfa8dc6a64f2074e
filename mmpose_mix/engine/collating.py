"""Batches that come out of a worker process in one piece."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor

from mmpose_mix.registry import FUNCTIONS

Place = tuple[torch.dtype, int, torch.Size]


class OneBlockBatch(dict):
    """A batch whose tensors travel between processes as one block of memory for each dtype.

    Torch shares each tensor by itself, through a file handle and a socket connection of its own: almost a millisecond
    of the training process for a sample with four tensors. What arrives is a plain dict, equal to this one; its tensors
    are parts of the blocks.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        """The batch without its tensors, and the blocks."""
        stream = io.BytesIO()
        pickler = _WithoutTensors(stream)
        pickler.dump(dict(self))
        blocks = {dtype: torch.cat(parts) for dtype, parts in pickler.parts.items()}
        return _put_together, (stream.getvalue(), blocks)


@FUNCTIONS.register_module()
def one_block_collate(items: Sequence[dict[str, Any]]) -> OneBlockBatch:
    """MMEngine's ``pseudo_collate``, a list of B for each key, in a batch that travels as one block.

    Args:
        items: B samples with the same keys.
    """
    return OneBlockBatch(pseudo_collate(items))


class _WithoutTensors(pickle.Pickler):
    """Puts tensors on the CPU aside, flat and by dtype, and writes their places instead."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, protocol=pickle.HIGHEST_PROTOCOL)
        self.parts: dict[torch.dtype, list[Tensor]] = {}
        self._lengths: dict[torch.dtype, int] = {}
        self._known: dict[int, Place] = {}

    def persistent_id(self, found: object) -> Any:
        """The place of a tensor, the same one for a tensor that comes again; None for anything else."""
        if type(found) is not Tensor or found.device.type != "cpu" or found.layout is not torch.strided:
            return None
        if id(found) not in self._known:
            start = self._lengths.get(found.dtype, 0)
            self.parts.setdefault(found.dtype, []).append(found.detach().reshape(-1))
            self._lengths[found.dtype] = start + found.numel()
            self._known[id(found)] = (found.dtype, start, found.shape)
        return self._known[id(found)]


class _WithTensors(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, blocks: dict[torch.dtype, Tensor]) -> None:
        super().__init__(stream)
        self._blocks = blocks

    def persistent_load(self, place: Place) -> Tensor:
        """The part of a block that was the tensor."""
        dtype, start, shape = place
        return self._blocks[dtype][start : start + shape.numel()].view(shape)


def _put_together(skeleton: bytes, blocks: dict[torch.dtype, Tensor]) -> dict[str, Any]:
    return _WithTensors(io.BytesIO(skeleton), blocks).load()
