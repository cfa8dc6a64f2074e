"""Run by torchrun: the global batches of a mixture for world sizes 1 to 4, each by a gloo group of real processes.

Prints nothing; the first rank writes ``{world size: {"whole": batches, "rest": batches}}`` to the file that is named on
the command line. A batch is a sorted list of (source, id, random number drawn while the item was loaded).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Optional

import numpy as np
import torch.distributed as dist
from torch.utils.data import DataLoader

from mmpose_mix.datasets import CombinedDataset, MultiSourceSampler

GLOBAL_BATCH = 12
EPOCHS = 2
#: The place from which another world size goes on, in the second epoch.
STEP = 9
METAINFO = {"from_file": "configs/_base_/datasets/coco.py"}


def with_random_number(item: dict[str, Any]) -> dict[str, Any]:
    """As an augmentation would."""
    return {**item, "drawn": np.random.random()}


def as_it_is(batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """No collation."""
    return batch


def batches_of_rank(world: int, workers: int, state: Optional[dict[str, Any]]) -> tuple[list, dict[str, Any]]:
    """This rank's batches, from the beginning or from a state; and the state before ``STEP``."""
    sources = [[{"id": number, "dataset_name": name} for number in range(size)] for name, size in SOURCES]
    dataset = CombinedDataset(METAINFO, sources, pipeline=[with_random_number], sample_ratio_factor=[1, 1.5, 1])
    size = GLOBAL_BATCH // world
    sampler = MultiSourceSampler(dataset, batch_size=size, source_ratio=[3, 2.5, 1], seed=5)
    if state is not None:
        sampler.load_state_dict(state)
    loader = DataLoader(
        dataset,
        batch_size=size,
        sampler=sampler,
        collate_fn=as_it_is,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    batches = []
    for epoch in range(sampler.epoch, EPOCHS):
        sampler.set_epoch(epoch)
        batches += [[(item["source"], item["id"], item["drawn"]) for item in batch] for batch in loader]
    return batches, sampler.state_dict(step=STEP, batch_size=size)


SOURCES = (("a", 41), ("b", 22), ("c", 5))


def global_batches(world: int, batches: list) -> list:
    """The union of all ranks, step by step."""
    ranks: list[Any] = [None] * world
    dist.all_gather_object(ranks, batches)
    return [sorted(item for rank in step for item in rank) for step in zip(*ranks)]


def main(output: Path) -> None:
    """Form a group for each world size in turn; the ranks beyond it wait for the next."""
    rank, state, found = int(os.environ["RANK"]), None, {}
    for world in range(1, int(os.environ["WORLD_SIZE"]) + 1):
        if rank < world:
            dist.init_process_group("gloo", f"file://{output}.{world}", rank=rank, world_size=world)
            whole, own_state = batches_of_rank(world, workers=world % 3, state=None)
            states = [state or own_state]
            dist.broadcast_object_list(states)
            rest, _ = batches_of_rank(world, workers=0, state=states[0])
            found[world] = {"whole": global_batches(world, whole), "rest": global_batches(world, rest)}
            state = own_state
            dist.destroy_process_group()
    if rank == 0:
        output.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
