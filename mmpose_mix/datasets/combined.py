"""Several data sets as one: a mixture with its own keypoint set and pipeline."""

from __future__ import annotations

import logging
import operator
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NoReturn, Optional, Union

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.registry import DefaultScope

from mmpose_mix.datasets.building import built_sources, built_transforms, composed
from mmpose_mix.datasets.delivered_keypoints import bind_converters, findings_of_pipeline, findings_of_source
from mmpose_mix.datasets.drawn_index import DrawIndex
from mmpose_mix.datasets.epochs import SharedEpoch, changes_with_epoch, tell_epoch
from mmpose_mix.datasets.item_metainfo import ItemMetainfo
from mmpose_mix.datasets.item_randomness import ItemRandomness
from mmpose_mix.datasets.mixture_arguments import check_numbers, check_sources_given, refuse_arguments
from mmpose_mix.datasets.refetching import item_after_dropped
from mmpose_mix.datasets.source_items import FEWEST_TOGETHER, distinct_names, item_of, made_together, makes_items_as
from mmpose_mix.metainfo import keypoint_set, parse_pose_metainfo
from mmpose_mix.mixing.ratio import sample_factors
from mmpose_mix.mixing.resampling import holds_whole_passes, resampled_draw, slots_per_epoch
from mmpose_mix.registry import DATASETS, SCOPE


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

    Which sample an index gives is a function of (seed, epoch, index): no random generator is involved. A ``DrawIndex``,
    which this package's samplers yield, may tell the number of a pass in the place of the epoch, and a key that all
    that is random in the item follows from.

    Args:
        metainfo: the mixture's keypoint set: ``dict(from_file=...)`` or a ``dataset_info`` dict.
        datasets: the sources: configs, or data sets that are built already.
        pipeline: transforms for the items of all sources.
        sample_ratio_factor: how much of each source an epoch holds: ``round(len(source) * factor)`` items, of a list of
            factors or a dict of them by name (see ``source_names``). Or what an epoch holds that is as long as all
            sources together: ``'size'``, each item once; ``'equal'``, as many items of every source; or
            ``dict(temperature=T, cap=N)``, in proportion to ``min(len(source), N) ** (1 / T)``. The epochs go on where
            the last one stopped, so all samples of a source come equally often: 0.5 shows each once in two epochs, 2
            twice in every epoch, where the sampler yields each index once in an epoch. With a whole number the order is
            the source's own. Any other factor must be told the epoch, by this package's samplers or by
            ``MixtureEpochHook``. ``None`` takes each item once.
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
        sample_ratio_factor: Union[Sequence[float], Mapping[str, Any], str, None] = None,
        seed: int = 0,
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
        **refused: Any,
    ) -> None:
        if refused:
            refuse_arguments(refused)
        check_sources_given(datasets)
        check_numbers(sample_ratio_factor, seed, max_refetch)
        super().__init__(
            pipeline=built_transforms(pipeline, "CombinedDataset.pipeline"),
            test_mode=test_mode,
            serialize_data=False,
            lazy_init=True,
            max_refetch=operator.index(max_refetch),
        )
        self.pipeline = composed(self.pipeline.transforms)
        self._metainfo = parse_pose_metainfo(metainfo)
        self._item_metainfo = ItemMetainfo(keypoint_set(self._metainfo), dataset_name=None)
        self.seed = operator.index(seed)
        words = sample_ratio_factor
        self.sample_ratio_factor = words if words is None or isinstance(words, (str, Mapping)) else list(words)
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
        self._lens = self._slots_of(sources)
        self._ends = list(accumulate(self._lens))
        if not self._ends[-1]:
            raise ValueError(
                f"CombinedDataset: no sample: the sources hold {self._lengths}, of which sample_ratio_factor="
                f"{self.sample_ratio_factor} leaves {self._lens}. Raise a factor or check the sources."
            )
        self._whole_passes = list(map(holds_whole_passes, self._lengths, self._lens))
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
    def source_names(self) -> list[str]:
        """The ``dataset_name`` of each source, or its class; equal ones are told apart as ``coco[0]``, ``coco[1]``."""
        self.full_init()
        return distinct_names(self._datasets)

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
        return not all(self._whole_passes) or any(map(changes_with_epoch, self._datasets))

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
        """Return the source that an index belongs to and which of its samples it gives.

        Args:
            index: -len..len-1. Of a ``DrawIndex`` the number of its pass is taken in the place of the epoch.

        Raises:
            IndexError: if it is outside.
        """
        source, _, local = self._draw_of(index)
        return source, local

    def get_data_info(self, idx: int) -> Optional[dict[str, Any]]:
        """Return the item before the mixture's pipeline, or None if the source dropped it.

        A source that is asked for a ``DrawIndex`` with the number of a pass is asked by one as well: with the number of
        the full walks that were made over this source before.

        Args:
            idx: -len..len-1.

        Raises:
            IndexError: if it is outside.
            TypeError: if the source gives something else than a dict.
        """
        source, told = self._told_draw_of(idx)
        item = item_of(self._datasets[source], told)
        if item is None:
            return None
        if type(item) is not dict and not isinstance(item, Mapping):
            raise TypeError(
                f"{self._place(source)}: item {told} is a {type(item).__name__}, but must be a dict. "
                f"Leave what turns items into something else to the pipeline of the mixture."
            )
        return self._with_own_metainfo(item, source)

    def prepare_data(self, idx: int) -> Any:
        """Return the item after the mixture's pipeline, or None if it was dropped."""
        item = self.get_data_info(idx)
        return None if item is None else self._through_pipeline(item)

    def __getitem__(self, idx: int) -> Any:
        """Return an item; in training the next one of the same source where the pipeline drops it.

        A ``DrawIndex`` with a key decides all that is random in it, in the pipelines of the sources too.

        Raises:
            IndexError: if ``idx`` is not in -len..len-1.
            RuntimeError: if the item was dropped in test mode, or ``max_refetch`` more in training.
        """
        if getattr(idx, "key", None) is None:
            return self._kept_item(idx)
        with ItemRandomness(idx):
            return self._kept_item(idx)

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        """Return ``[self[idx] for idx in indices]``, sooner where sources can make many items together.

        torch's ``DataLoader`` asks for each batch by this method, from torch 2.0 on. Errors are those of
        :meth:`__getitem__`.
        """
        if not makes_items_as(self, CombinedDataset):
            return [self[idx] for idx in indices]
        items = []
        waiting = self._made_together(indices)[::-1]
        for idx in indices:
            made = waiting.pop()  # held here alone: the image that the pipeline puts into it goes with the next item
            if made is None:
                items.append(self[idx])
            elif not self.pipeline.transforms:
                items.append(made)
            elif getattr(idx, "key", None) is None:
                items.append(self._kept_item(idx, made))
            else:
                with ItemRandomness(idx):
                    items.append(self._kept_item(idx, made))
        return items

    def items_together(self, indices: Sequence[int]) -> Optional[list[dict[str, Any]]]:
        """Return ``[self[idx] for idx in indices]`` if this mixture has no pipeline and no source has to be asked
        for its items one by one, else None. Of an outer mixture, as of :class:`CocoStyleDataset`.
        """
        if not makes_items_as(self, CombinedDataset) or self.pipeline.transforms:
            return None
        made = self._made_together(indices, fewest=1)
        return None if any(item is None for item in made) else made

    def _made_together(self, indices: Sequence[int], fewest: int = FEWEST_TOGETHER) -> list[Any]:
        """Return the items before the mixture's pipeline, None for each that has to be made alone."""
        draws = [self._told_draw_of(idx) for idx in indices]
        made = made_together(self._datasets, draws, fewest)
        return [
            None if item is None else self._with_own_metainfo(item, source) for item, (source, _) in zip(made, draws)
        ]

    def _with_own_metainfo(self, item: Mapping[str, Any], source: int) -> dict[str, Any]:
        item = {**item, **self._item_metainfo, "source": source}
        # MMPose's data sets put themselves into the item.
        item.pop("dataset", None)
        return item

    def _through_pipeline(self, item: dict[str, Any]) -> Any:
        # mosaics and the like ask the data set of the item for further ones
        if any(hasattr(transform, "num_aux_image") for transform in self.pipeline.transforms):
            item["dataset"] = self
        return self.pipeline(item)

    def _kept_item(self, idx: int, made: Optional[dict[str, Any]] = None) -> Any:
        item = self.prepare_data(idx) if made is None else self._through_pipeline(made)
        if item is not None:
            return item
        source, slot = self._source_and_slot(idx)
        first = self._ends[source] - self._lens[source]
        number = getattr(idx, "pass_number", None)
        return item_after_dropped(
            lambda place: self.prepare_data(
                first + place if number is None else DrawIndex(first + place, pass_number=number)
            ),
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

    def _told_draw_of(self, index: int) -> tuple[int, int]:
        """Return source and what it is asked for: its sample, with the number of the walk where a pass is known."""
        source, walk, local = self._draw_of(index)
        told = local if getattr(index, "pass_number", None) is None else DrawIndex(local, pass_number=walk)
        return source, told

    def _draw_of(self, index: int) -> tuple[int, int, int]:
        """Return source, number of the walk over it, and sample of an index."""
        source, slot = self._source_and_slot(index)
        number = getattr(index, "pass_number", None)
        if number is None and self._whole_passes[source]:  # of all epochs the same; their number need not be read
            return source, 0, slot % self._lengths[source]
        epoch = self.epoch if number is None else number
        walk, local = resampled_draw(slot, self._lengths[source], self._lens[source], self.seed, source, epoch)
        return source, walk, local

    def _source_and_slot(self, index: int) -> tuple[int, int]:
        size = self._ends[-1] if self._fully_initialized else len(self)
        position = int(operator.index(index))
        if not -size <= position < size:
            raise IndexError(
                f"CombinedDataset: index {position} is outside of {size} items ({self._lens} of the sources); "
                f"{-size}..{size - 1} are allowed."
            )
        position %= size
        source = bisect_right(self._ends, position)
        return source, position - self._ends[source] + self._lens[source]

    def _slots_of(self, sources: Sequence[Any]) -> list[int]:
        """Return how many items of each source an epoch holds."""
        words, where = self.sample_ratio_factor, "CombinedDataset.sample_ratio_factor"
        if words is None:
            return list(self._lengths)
        if isinstance(words, (str, Mapping)):
            words = sample_factors(words, self._lengths, distinct_names(sources), where)
        return slots_per_epoch(self._lengths, words, where)

    def _place(self, source: int) -> str:
        return f"CombinedDataset.datasets[{source}] ({type(self._datasets[source]).__name__})"

    def _check_keypoints(self, sources: Sequence[Any]) -> None:
        wanted, name = self._metainfo["num_keypoints"], repr(self._metainfo["dataset_name"])
        findings = findings_of_pipeline("CombinedDataset.pipeline", self)
        mixture = keypoint_set(self._metainfo)
        for place, source in enumerate(sources):
            findings += bind_converters(f"CombinedDataset.datasets[{place}]", source, mixture)
            findings += findings_of_source(f"CombinedDataset.datasets[{place}]", source, wanted, name)
        if findings:
            raise ValueError("\n".join(findings))

    def _carry_classes(self) -> None:
        """Take over the classes of the annotation files where all sources name the same, for metrics that ask."""
        classes = [(getattr(source, "metainfo", None) or {}).get("CLASSES") for source in self._datasets]
        if classes[0] is not None and all(other == classes[0] for other in classes):
            self._metainfo.setdefault("CLASSES", classes[0])


def _told_by_the_default_hooks() -> bool:
    """Whether a runner of the current scope takes this package's hooks by default."""
    scope = DefaultScope.get_current_instance()
    return scope is not None and scope.scope_name == SCOPE
