"""Reads the annotation files of several sources, large ones in several processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from multiprocessing.connection import Connection

from mmpose_mix.datasets.cached_reading import CachedReading
from mmpose_mix.datasets.coco_style import CocoStyleDataset
from mmpose_mix.engine.checked_sources import Leaf, OpenedSource, SourceReading, read_source, take_reading

#: Bytes of annotation files from which on processes are worth their start.
MUCH = 50_000_000


def read_sources(sources: Sequence[OpenedSource]) -> None:
    """Read the files of all sources that could be built, and put into them what they hold.

    Forked processes take a part of the sources each, where much is to be read and the system forks. What is cached is
    read in no time, and counts as nothing.
    """
    readable = [source for source in sources if source.leaves]
    sizes = [_bytes_to_read(source) for source in readable]
    workers = min(len(readable), os.cpu_count() or 1)
    if sum(sizes) < MUCH or workers < 2 or "fork" not in multiprocessing.get_all_start_methods():
        for source in readable:
            take_reading(source, read_source(source))
        return
    _read_in_processes(_shared_out(readable, sizes, workers))


def _shared_out(sources: Sequence[OpenedSource], sizes: Sequence[int], workers: int) -> list[list[OpenedSource]]:
    """The sources of each worker: the largest first, to whom has the least."""
    shares: list[list[OpenedSource]] = [[] for _ in range(workers)]
    loads = [0] * workers
    for place in sorted(range(len(sources)), key=lambda place: -sizes[place]):
        least = loads.index(min(loads))
        shares[least].append(sources[place])
        loads[least] += sizes[place]
    return [share for share in shares if share]


def _read_in_processes(shares: Sequence[list[OpenedSource]]) -> None:
    """This process takes the first share. A share whose process fails is read here as well, where errors are seen."""
    fork = multiprocessing.get_context("fork")
    started = []
    for share in shares[1:]:
        receiver, sender = fork.Pipe(duplex=False)
        process = fork.Process(target=_send, args=(sender, share), daemon=True)
        process.start()
        sender.close()
        started.append((share, receiver, process))
    for source in shares[0]:
        take_reading(source, read_source(source))
    for share, receiver, process in started:
        readings = _received(receiver)
        process.join()
        for source, reading in zip(share, readings or map(read_source, share)):
            take_reading(source, reading)


def _send(sender: Connection, share: Sequence[OpenedSource]) -> None:
    sender.send([read_source(source) for source in share])
    sender.close()


def _received(receiver: Connection) -> list[SourceReading]:
    try:
        readings: list[SourceReading] = receiver.recv()
    except EOFError:
        return []
    return readings


def _bytes_to_read(source: OpenedSource) -> int:
    """The sizes of the annotation files that are not cached."""
    return sum(os.path.getsize(leaf.ann_file) for leaf in source.leaves if not _is_at_hand(leaf))


def _is_at_hand(leaf: Leaf) -> bool:
    if not os.path.isfile(leaf.ann_file):
        return True  # there is nothing to read
    dataset = leaf.dataset
    return isinstance(dataset, CocoStyleDataset) and not dataset.bbox_file and CachedReading.of(dataset).is_cached()
