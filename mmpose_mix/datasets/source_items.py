"""How a mixture names its sources, and comes by their items: one, or many together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmengine.dataset import BaseDataset, RepeatDataset

from mmpose_mix.datasets.building import calls_one_after_another
from mmpose_mix.datasets.drawn_index import DrawIndex

FEWEST_TOGETHER = 5
"""So many items of a source make it worth while to ask for them together."""


def makes_items_as(dataset: Any, base: type) -> bool:
    """Whether a data set makes its items by the methods of ``base`` and calls its transforms one after another.

    Args:
        dataset: an instance of ``base`` or of a subclass, which may override what it likes.
        base: the class whose ways are known.
    """
    methods = ("__getitem__", "prepare_data", "get_data_info", "__len__")
    same = all(getattr(type(dataset), method) is getattr(base, method) for method in methods)
    return same and calls_one_after_another(dataset.pipeline)


def distinct_names(sources: Sequence[Any]) -> list[str]:
    """Return the ``dataset_name`` of each source, or its class; equal ones as ``coco[0]``, ``coco[1]``."""
    names = []
    for source in sources:
        metainfo = getattr(source, "metainfo", None) or {}
        names.append(str(metainfo.get("dataset_name") or type(source).__name__))
    return [
        f"{name}[{names[:place].count(name)}]" if names.count(name) > 1 else name for place, name in enumerate(names)
    ]


def item_of(source: Any, index: int) -> Any:
    """Return an item of a source, None if its pipeline dropped it.

    MMEngine's data sets replace a dropped item by one from numpy's global generator; they are not given the occasion.
    """
    if type(source) is RepeatDataset:
        return item_of(source.dataset, _index_of_repeat(index, len(source.dataset), source.times))
    if type(source).__getitem__ is BaseDataset.__getitem__ and not source.test_mode:
        return source.prepare_data(index)
    return source[index]


def made_together(sources: Sequence[Any], draws: Sequence[tuple[int, int]], fewest: int) -> list[Any]:
    """Return the items of draws, None for each whose source makes its items one by one.

    Args:
        sources: of which those that have ``items_together`` may make many items at once.
        draws: place of the source and index of the item in it.
        fewest: so many items of a source are asked for together, fewer are not.
    """
    made: list[Any] = [None] * len(draws)
    places: dict[int, list[int]] = {}
    for place, (source, _) in enumerate(draws):
        places.setdefault(source, []).append(place)
    for source, some in places.items():
        together = getattr(sources[source], "items_together", None)
        items = together([draws[place][1] for place in some]) if together and len(some) >= fewest else None
        for place, item in zip(some, items or ()):
            made[place] = item
    return made


def _index_of_repeat(index: int, length: int, times: int) -> int:
    """Return the index within one of the repeats; each is one more walk over what is repeated."""
    number = getattr(index, "pass_number", None)
    repeat, local = divmod(int(index), length)
    return local if number is None else DrawIndex(local, pass_number=number * times + repeat)
