"""An evaluator that gives the samples of each data set to a metric of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from mmengine.evaluator import BaseMetric, Evaluator
from mmengine.registry import DATASETS as ROOT_DATASETS
from mmengine.structures import BaseDataElement

from mmpose_mix.metainfo import parse_pose_metainfo
from mmpose_mix.registry import DATASETS, EVALUATORS


@EVALUATORS.register_module()
class MultiDatasetEvaluator(Evaluator):
    """One metric for each of several data sets that are evaluated together.

    A sample goes to the metric of the data set whose ``dataset_name`` it carries. Where several of ``datasets`` have
    the same name, the sample's ``source`` decides, its place in the mixture: they then stand in the mixture's order.
    Each metric gets the metainfo of its own data set, not that of the mixture.

    Args:
        metrics: configs of metrics or metrics; the first is that of the first data set. Give each its own ``prefix``.
        datasets: configs of data sets, of which ``type`` and ``metainfo`` are read; nothing is built. ``metainfo`` goes
            before the class's ``METAINFO``, as it does in the data set.

    Raises:
        ValueError: where the lists differ in length or an entry names no keypoint set.

    Example:
        >>> val_evaluator = dict(
        ...     type="MultiDatasetEvaluator",
        ...     metrics=[dict(type="CocoMetric", prefix="coco"), dict(type="CocoMetric", prefix="aic")],
        ...     datasets=[dict(type="CocoDataset", ...), dict(type="AicDataset", ...)],
        ... )  # doctest: +SKIP
    """

    def __init__(
        self,
        metrics: Union[Mapping, BaseMetric, Sequence[Union[Mapping, BaseMetric]]],
        datasets: Sequence[Mapping],
    ) -> None:
        metas = metainfo_of_each(metrics, datasets)
        super().__init__(list(metrics) if isinstance(metrics, (list, tuple)) else [metrics])
        self._dataset_meta: Optional[dict] = None
        self.dataset_names = [str(meta["dataset_name"]) for meta in metas]
        for metric, meta in zip(self.metrics, metas):
            metric.dataset_meta = meta

    @property
    def dataset_meta(self) -> Optional[dict]:
        """The metainfo of what is evaluated as a whole; the metrics have that of their data sets."""
        return self._dataset_meta

    @dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict) -> None:
        self._dataset_meta = dataset_meta

    def process(self, data_samples: Sequence[Union[BaseDataElement, dict]], data_batch: Optional[Any] = None) -> None:
        """Give each sample to its metric.

        Args:
            data_samples: samples with predictions; each carries ``dataset_name``, and ``source`` where names repeat.
                A sample without ``dataset_name`` has that of :attr:`dataset_meta`.
            data_batch: the batch from the dataloader, a dict of ``inputs`` and ``data_samples``, split as the samples
                are.

        Raises:
            ValueError: with all samples of the batch that belong to none of the data sets.
        """
        samples = [sample.to_dict() if isinstance(sample, BaseDataElement) else sample for sample in data_samples]
        rows_of_metric: dict[int, list[int]] = defaultdict(list)
        strays = []
        for row, sample in enumerate(samples):
            place, stray = self._place_of(sample)
            rows_of_metric[place].append(row)
            strays += [stray] if stray else []
        if strays:
            raise ValueError(
                f"MultiDatasetEvaluator: {len(strays)} of {len(samples)} samples belong to none of the data sets "
                f"{self.dataset_names}: {'; '.join(dict.fromkeys(strays))}. List every data set that is evaluated, "
                "with the metainfo that it has there."
            )
        for place, rows in rows_of_metric.items():
            self.metrics[place].process(_rows_of_batch(data_batch, rows), [samples[row] for row in rows])

    def _place_of(self, sample: Mapping) -> tuple[int, str]:
        """The place of a sample's metric, and what is wrong with the sample; one of the two is empty or -1."""
        name = sample.get("dataset_name", (self._dataset_meta or {}).get("dataset_name"))
        places = [place for place, known in enumerate(self.dataset_names) if known == name]
        if len(places) == 1:
            return places[0], ""
        if not places:
            return -1, f"dataset_name={name!r}"
        source = sample.get("source")
        if source in places:
            return source, ""
        return -1, (
            f"dataset_name={name!r} with source={source!r}, but that name stands at the places {places}: evaluate a "
            "CombinedDataset and list its sources in order, or give them names of their own with "
            "metainfo=dict(from_file=..., dataset_name=...)"
        )


def metainfo_of_each(metrics: Any, datasets: Union[Mapping, Sequence[Mapping]]) -> list[dict]:
    """The parsed metainfo that each metric of a :class:`MultiDatasetEvaluator` gets, from its arguments.

    Raises:
        ValueError: where the lists differ in length or an entry names no keypoint set.
    """
    number = len(metrics) if isinstance(metrics, (list, tuple)) else 1
    datasets = [datasets] if isinstance(datasets, Mapping) else list(datasets)
    if number != len(datasets) or not number:
        raise ValueError(
            f"MultiDatasetEvaluator: {number} metrics for {len(datasets)} data sets; give each data set one."
        )
    return [_metainfo_of(dataset, place) for place, dataset in enumerate(datasets)]


def _metainfo_of(dataset: Mapping, place: int) -> dict:
    where = f"MultiDatasetEvaluator.datasets[{place}]"
    if not isinstance(dataset, Mapping) or "type" not in dataset:
        raise ValueError(f"{where}: expected the config of a data set, dict(type=...), got {dataset!r}.")
    metainfo = dataset.get("metainfo")
    if metainfo is None:
        kind = dataset["type"]
        found = kind if isinstance(kind, type) else DATASETS.get(kind) or ROOT_DATASETS.get(kind)
        if found is None:
            raise ValueError(f"{where}: no data set {kind!r} is registered.")
        metainfo = getattr(found, "METAINFO", None)
    if not metainfo:
        raise ValueError(
            f"{where}: {dataset['type']} has no keypoint set of its own; add metainfo=dict(from_file=...), as for the "
            "data set."
        )
    return parse_pose_metainfo(metainfo)


def _rows_of_batch(data_batch: Any, rows: Sequence[int]) -> Any:
    if not isinstance(data_batch, Mapping):
        return data_batch
    return {key: [values[row] for row in rows] for key, values in data_batch.items()}
