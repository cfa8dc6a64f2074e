"""Several data sets as one: a mixture with its own keypoint set and pipeline."""

from __future__ import annotations

import logging
import operator
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NoReturn, Optional, Union

import numpy as np
from mmengine.dataset import BaseDataset, RepeatDataset
from mmengine.logging import print_log
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import DefaultScope

from mmpose_mix.datasets.building import built_sources, built_transforms
from mmpose_mix.datasets.delivered_keypoints import findings_of_pipeline, findings_of_source
from mmpose_mix.datasets.epochs import SharedEpoch, changes_with_epoch, tell_epoch
from mmpose_mix.datasets.item_metainfo import item_metainfo
from mmpose_mix.datasets.refetching import kept_item
from mmpose_mix.metainfo import keypoint_set, parse_pose_metainfo
from mmpose_mix.mixing.resampling import holds_whole_passes, resampled_index, slots_per_epoch
from mmpose_mix.registry import DATASETS, SCOPE

ARGUMENTS = (
    "metainfo",
    "datasets",
    "pipeline",
    "sample_ratio_factor",
    "seed",
    "test_mode",
    "lazy_init",
    "max_refetch",
)
ARGUMENTS_OF_SOURCES = frozenset(
    {
        "ann_file",
        "bbox_file",
        "data_mode",
        "data_prefix",
        "data_root",
        "filter_cfg",
        "indices",
        "sample_interval",
        "serialize_data",
    }
)


@ROOT_DATASETS.register_module()
@DATASETS.register_module()
class CombinedDataset(BaseDataset):
    """A mixture of data sets. The items of its sources lie one source after another.

    An item is the source's item, through the source's own pipeline, with the keys that come from the keypoint set
    (``flip_indices``, ``flip_pairs``, ``upper_body_ids``, ``lower_body_ids``, ``dataset_keypoint_weights``,
    ``skeleton_links``) replaced by the mixture's, ``source`` set to the place of the source in this mixture (in nested
    mixtures: in the outermost) and ``dataset_name`` left as the source set it; then it goes through ``pipeline``.
    An item none of whose keypoints the mixture knows is kept: all its label weights are 0 then. ``id`` and ``img_id``
    are those of the source's file, so two sources may use the same number; ``source`` tells them apart.

    Which sample an index gives is a function of (seed, epoch, index): no random generator is involved.

    Args:
        metainfo: the mixture's keypoint set: ``dict(from_file=...)`` or a ``dataset_info`` dict.
        datasets: the sources: configs, or data sets that are built already.
        pipeline: transforms for the items of all sources.
        sample_ratio_factor: for each source how much of it an epoch holds: ``round(len(source) * factor)`` items. The
            epochs go on where the last one stopped, so all samples of a source come equally often: 0.5 shows each once
            in two epochs, 2 twice in every epoch, where the sampler yields each index once in an epoch. With a whole
            number the order is the source's own. Any other factor must be told the epoch, by ``MixtureEpochHook`` or
            ``MultiSourceSampler``. ``None`` takes each item once.
        seed: chooses what ``sample_ratio_factor`` takes. Nested mixtures should have different ones.
        test_mode: a pipeline that drops an item (returns None) is then an error; in training the source's next item
            takes its place.
        lazy_init: build the sources at first use, or at ``full_init()``; ``metainfo`` is there before.
        max_refetch: how many next items are tried in training before giving up.

    Raises:
        TypeError: if an argument is unknown or has the wrong type.
        ValueError: if there is no source or no sample; if a factor is none; if sources or transforms cannot be built,
            with all that cannot; if what sources deliver does not fit the metainfo, with all sources that do not.
        FileNotFoundError: if all that is wrong with the sources is that files are absent.

    Example:
        >>> CombinedDataset(
        ...     metainfo=dict(from_file="configs/_base_/datasets/coco_aic.py"),
        ...     datasets=[dict(type="CocoDataset", ...), dict(type="AicDataset", ...)],
        ...     sample_ratio_factor=[1, 0.3],
        ... )  # doctest: +SKIP
    """

    def __init__(
        self,
        metainfo: Mapping[str, Any],
        datasets: Sequence[Union[Mapping[str, Any], Any]],
        pipeline: Sequence[Union[Mapping[str, Any], Callable]] = (),
        sample_ratio_factor: Optional[Sequence[float]] = None,
        seed: int = 0,
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
        **refused: Any,
    ) -> None:
        if refused:
            _refuse_arguments(refused)
        _check_sources_given(datasets)
        _check_numbers(sample_ratio_factor, seed, max_refetch)
        super().__init__(
            pipeline=built_transforms(pipeline, "CombinedDataset.pipeline"),
            test_mode=test_mode,
            serialize_data=False,
            lazy_init=True,
            max_refetch=operator.index(max_refetch),
        )
        self._metainfo = parse_pose_metainfo(metainfo)
        self._item_metainfo = item_metainfo(keypoint_set(self._metainfo))
        del self._item_metainfo["dataset_name"]
        self.seed = operator.index(seed)
        self.sample_ratio_factor = None if sample_ratio_factor is None else list(sample_ratio_factor)
        self._epoch = SharedEpoch()
        self._given = list(datasets)
        if not lazy_init:
            self.full_init()

    def full_init(self) -> None:
        """Build and check the sources; does nothing the second time. Raises what the constructor does."""
        if self._fully_initialized:
            return
        sources = built_sources(self._given, "CombinedDataset.datasets")
        self._check_keypoints(sources)
        self._lengths = [len(source) for source in sources]
        factors = self.sample_ratio_factor
        self._lens = (
            list(self._lengths)
            if factors is None
            else slots_per_epoch(self._lengths, factors, "CombinedDataset.sample_ratio_factor")
        )
        self._ends = list(accumulate(self._lens))
        if not self._ends[-1]:
            raise ValueError(
                f"CombinedDataset: no sample: the sources hold {self._lengths}, of which "
                f"sample_ratio_factor={factors} leaves {self._lens}. Raise a factor or check the sources."
            )
        self._datasets = sources
        self._given = []
        self._fully_initialized = True
        self._carry_classes()
        tell_epoch(self, self.epoch)
        if not self.test_mode and self.changes_with_epoch and not _told_by_the_default_hooks():
            print_log(
                "CombinedDataset: sample_ratio_factor takes other samples in every epoch, but outside of "
                "default_scope='mmpose_mix' no default hook says which epoch it is. Without that the part of epoch 0 "
                "comes for ever. Add custom_hooks=[dict(type='mmpose_mix.MixtureEpochHook')], or take "
                "MultiSourceSampler, which says it as well.",
                logger="current",
                level=logging.WARNING,
            )

    @property
    def datasets(self) -> list[Any]:
        """The sources, built."""
        self.full_init()
        return self._datasets

    @property
    def lens(self) -> list[int]:
        """How many items of each source an epoch holds."""
        self.full_init()
        return list(self._lens)

    @property
    def epoch(self) -> int:
        """The epoch that :meth:`set_epoch` said."""
        return self._epoch.get()

    @property
    def changes_with_epoch(self) -> bool:
        """Whether other epochs hold other samples, here or in a nested mixture."""
        self.full_init()
        whole = all(map(holds_whole_passes, self._lengths, self._lens))
        return not whole or any(map(changes_with_epoch, self._datasets))

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch it is: to this mixture in all its worker processes, and to the sources."""
        self._epoch.set(epoch)
        if self._fully_initialized:
            for source in self._datasets:
                tell_epoch(source, epoch)

    def __len__(self) -> int:
        self.full_init()
        return self._ends[-1]

    def get_subset_index(self, index: int) -> tuple[int, int]:
        """Return the source that an index belongs to and which of its samples it gives in this epoch.

        Args:
            index: -len..len-1.

        Raises:
            IndexError: if it is outside.
        """
        source, slot = self._source_and_slot(index)
        length, slots = self._lengths[source], self._lens[source]
        if holds_whole_passes(length, slots):
            return source, slot % length
        return source, resampled_index(slot, length, slots, self.seed, source, self.epoch)

    def get_data_info(self, idx: int) -> Optional[dict[str, Any]]:
        """Return the item before the mixture's pipeline, or None if the source dropped it.

        Args:
            idx: -len..len-1.

        Raises:
            IndexError: if it is outside.
            TypeError: if the source gives something else than a dict.
        """
        source, local = self.get_subset_index(idx)
        item = _item_of(self._datasets[source], local)
        if item is None:
            return None
        if not isinstance(item, Mapping):
            raise TypeError(
                f"{self._place(source)}: item {local} is a {type(item).__name__}, but must be a dict. "
                f"Leave what turns items into something else to the pipeline of the mixture."
            )
        item = {**item, **self._item_metainfo, "source": source}
        # MMPose's data sets put themselves into the item.
        item.pop("dataset", None)
        return item

    def prepare_data(self, idx: int) -> Any:
        """Return the item after the mixture's pipeline, or None if it was dropped."""
        item = self.get_data_info(idx)
        return None if item is None else self.pipeline(item)

    def __getitem__(self, idx: int) -> Any:
        """Return an item; in training the next one of the same source where the pipeline drops it.

        Raises:
            IndexError: if ``idx`` is not in -len..len-1.
            RuntimeError: if the item was dropped in test mode, or ``max_refetch`` more in training.
        """
        source, slot = self._source_and_slot(idx)
        first = self._ends[source] - self._lens[source]
        return kept_item(
            lambda place: self.prepare_data(first + place),
            slot,
            self._lens[source],
            test_mode=self.test_mode,
            max_refetch=self.max_refetch,
            place=self._place(source),
        )

    def get_cat_ids(self, idx: int) -> NoReturn:
        """Refused: which sample, and so which class, an index gives may change with the epoch.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            "CombinedDataset cannot be balanced by classes from outside (ClassBalancedDataset). Wrap the sources in "
            "the configs of datasets=[...], or weigh them by sample_ratio_factor or MultiSourceSampler."
        )

    def get_subset(self, indices: Any) -> NoReturn:
        """Refused, see :meth:`get_subset_`."""
        self.get_subset_(indices)

    def get_subset_(self, indices: Any) -> NoReturn:
        """Refused: it is not clear which source would shrink.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            "CombinedDataset has no subsets of its own. Take them from the sources: indices=... in the configs of "
            "datasets=[...], or get_subset of a data set that is built; for an even part use sample_ratio_factor."
        )

    def _source_and_slot(self, index: int) -> tuple[int, int]:
        size = len(self)
        position = operator.index(index)
        if not -size <= position < size:
            raise IndexError(
                f"CombinedDataset: index {position} is outside of {size} items ({self._lens} of the sources); "
                f"{-size}..{size - 1} are allowed."
            )
        position %= size
        source = bisect_right(self._ends, position)
        return source, position - self._ends[source] + self._lens[source]

    def _place(self, source: int) -> str:
        return f"CombinedDataset.datasets[{source}] ({type(self._datasets[source]).__name__})"

    def _check_keypoints(self, sources: Sequence[Any]) -> None:
        wanted, name = self._metainfo["num_keypoints"], repr(self._metainfo["dataset_name"])
        findings = findings_of_pipeline("CombinedDataset.pipeline", self)
        for place, source in enumerate(sources):
            findings += findings_of_source(f"CombinedDataset.datasets[{place}]", source, wanted, name)
        if findings:
            raise ValueError("\n".join(findings))

    def _carry_classes(self) -> None:
        """Take over the classes of the annotation files where all sources name the same, for metrics that ask."""
        classes = [(getattr(source, "metainfo", None) or {}).get("CLASSES") for source in self._datasets]
        if classes[0] is not None and all(other == classes[0] for other in classes):
            self._metainfo.setdefault("CLASSES", classes[0])


def _item_of(source: Any, index: int) -> Any:
    """Return an item of a source, None if its pipeline dropped it.

    MMEngine's data sets replace a dropped item by one from numpy's global generator; they are not given the occasion.
    """
    if type(source) is RepeatDataset:
        return _item_of(source.dataset, index % len(source.dataset))
    if type(source).__getitem__ is BaseDataset.__getitem__ and not source.test_mode:
        return source.prepare_data(index)
    return source[index]


def _told_by_the_default_hooks() -> bool:
    """Whether a runner of the current scope takes this package's hooks by default."""
    scope = DefaultScope.get_current_instance()
    return scope is not None and scope.scope_name == SCOPE


def _refuse_arguments(names: Mapping[str, Any]) -> NoReturn:
    of_sources = [name for name in names if name in ARGUMENTS_OF_SOURCES]
    unknown = [name for name in names if name not in ARGUMENTS_OF_SOURCES]
    words = []
    if of_sources:
        words.append(
            f"{', '.join(of_sources)} would select nothing here, as a mixture reads no file of its own. "
            f"Give it to the sources, in the configs of datasets=[...]."
        )
    if unknown:
        words.append(f"unknown {', '.join(unknown)}; allowed are {', '.join(ARGUMENTS)}.")
    raise TypeError(f"CombinedDataset: {' And '.join(words)}")


def _check_sources_given(datasets: Any) -> None:
    if not isinstance(datasets, (list, tuple)):
        raise TypeError(f"CombinedDataset: datasets must be a list of data sets, got {type(datasets).__name__}.")
    if not datasets:
        raise ValueError("CombinedDataset: datasets=[] has no source. Give at least one.")
    wrong = [
        f"datasets[{place}]={given!r}"
        for place, given in enumerate(datasets)
        if not (isinstance(given, Mapping) or (hasattr(given, "__getitem__") and hasattr(given, "__len__")))
        or isinstance(given, (str, bytes))
    ]
    if wrong:
        raise TypeError(f"CombinedDataset: {', '.join(wrong)}: each must be a config dict or a data set.")


def _check_numbers(sample_ratio_factor: Any, seed: Any, max_refetch: Any) -> None:
    found = []
    if sample_ratio_factor is not None and not isinstance(sample_ratio_factor, (list, tuple, np.ndarray)):
        found.append(f"sample_ratio_factor={sample_ratio_factor!r}; give a list with one number for each source")
    if not isinstance(seed, (int, np.integer)):
        found.append(f"seed={seed!r}; give an integer")
    if not isinstance(max_refetch, (int, np.integer)) or max_refetch < 0:
        found.append(f"max_refetch={max_refetch!r}; give an integer from 0")
    if found:
        raise TypeError(f"CombinedDataset: {'; '.join(found)}.")
