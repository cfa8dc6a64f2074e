"""What decides how a data set's annotation file is read, and with it under what the columns are cached."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Optional

from mmengine.fileio import get_local_path

from mmpose_mix.annotations.cache import CONTENT, cached_persons, is_cached
from mmpose_mix.annotations.coco_json import CocoFile
from mmpose_mix.annotations.persons import PersonTable


@dataclass(frozen=True)
class CachedReading:
    """How the persons of a data set are read.

    Args:
        dataset: A ``CocoStyleDataset``, its files not necessarily read.
        raw: Keep the text of each annotation.
        outlines: Keep the text of outlines.
    """

    dataset: Any
    raw: bool
    outlines: bool

    @classmethod
    def of(cls, dataset: Any) -> CachedReading:
        """The reading that the mode of a data set asks for."""
        raw = dataset.test_mode and all(part.whole for part in dataset.INSTANCE_FIELDS)
        return cls(dataset, raw, dataset.data_mode == "bottomup" and not raw)

    def persons(self) -> PersonTable:
        """The persons of the annotation file, from the cache where it holds them.

        Raises:
            FileNotFoundError, ValueError: as the data set's ``read_annotations``.
        """
        with get_local_path(self.dataset.ann_file) as path:

            def read() -> CocoFile:
                return self.dataset.read_annotations(path, with_outlines=self.outlines, with_raw=self.raw)

            described = self._described()
            if described is None:
                return PersonTable.of(read())
            # a copy of a remote file has another path and time at each start
            remote = {"name": self.dataset.ann_file, "key_by": CONTENT} if str(path) != self.dataset.ann_file else {}
            return cached_persons([path, *self.dataset.files_beside()], described, read, **remote)

    def is_cached(self) -> bool:
        """Whether the cache holds the persons of a local annotation file, as far as a look at its head tells."""
        described = self._described()
        files = [self.dataset.ann_file, *self.dataset.files_beside()]
        return described is not None and is_cached(files, described)

    def _described(self) -> Optional[dict[str, Any]]:
        """The reading in types of JSON; ``None`` where the data set does not say what its way of reading is called."""
        reader = declared_reader(type(self.dataset))
        if reader is None:
            return None
        return {
            "reader": reader[0],
            "version": reader[1],
            "num_keypoints": self.dataset.metainfo["num_keypoints"],
            "fields": [asdict(part) for part in self.dataset.INSTANCE_FIELDS],
            "raw": self.raw,
            "outlines": self.outlines,
        }


def declared_reader(kind: type[Any]) -> Optional[tuple[str, int]]:
    """``READER`` of a class, unless one below the class that gives it overrides ``read_annotations``."""
    for each in kind.__mro__:
        if "READER" in vars(each):
            reader: tuple[str, int] = vars(each)["READER"]
            return reader
        if "read_annotations" in vars(each):
            return None
    return None
