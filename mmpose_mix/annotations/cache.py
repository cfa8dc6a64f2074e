"""Persons of annotation files, kept between runs as columns that all processes of a machine share.

A folder holds one file per annotation file and way of reading it. What it is valid for stands in its head: the sources
by absolute path, size and time of change (or by a digest of their content), the reader with its version and arguments,
and the version of the columns. Anything else than that is read anew and replaced. See docs/caching.md.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Optional

from mmpose_mix.annotations.coco_json import CocoFile
from mmpose_mix.annotations.column_file import SUFFIX, TEMPORARY, ColumnFile, ColumnFileError, write_columns
from mmpose_mix.annotations.json_file import PathLike
from mmpose_mix.annotations.persons import VERSION, PersonTable, columns_of, table_of

try:
    import fcntl
except ImportError:  # a system without POSIX locks: every process reads for itself
    fcntl = None  # type: ignore[assignment]

FOLDER_VARIABLE = "MMPOSE_MIX_CACHE"
KEY_VARIABLE = "MMPOSE_MIX_CACHE_KEY"
STAT, CONTENT = KEYS = ("stat", "content")
OFF = ("", "off")

LONGEST_WAIT = 120.0
"""Seconds that a process waits for another one that reads the same file, before it reads the file too."""
_PAUSE = 0.02
_STALE_TEMPORARY = 24 * 3600.0
_LOCK = ".lock"

LONGEST_WITHOUT_SOURCE = 30 * 24 * 3600.0
"""Seconds after its writing that an entry stays whose annotation file is gone: a disk may be away for a while."""

logger = logging.getLogger(__name__)
_told: set[str] = set()


def cache_folder() -> Optional[Path]:
    """Where columns are kept: ``MMPOSE_MIX_CACHE``, else ``mmpose_mix`` in the user's folder of caches.

    ``None`` where the variable is empty or ``off``, and for a user without a home.
    """
    given = os.environ.get(FOLDER_VARIABLE)
    if given is not None:
        return None if given.strip().lower() in OFF else Path(given).expanduser()
    above = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(above) / "mmpose_mix" if os.path.isabs(above) else None


def cached_persons(
    files: Sequence[PathLike],
    reading: Mapping[str, Any],
    read: Callable[[], CocoFile],
    *,
    name: Optional[str] = None,
    key_by: Optional[str] = None,
) -> PersonTable:
    """The persons of an annotation file: mapped from the cache where it holds them, else read and put there.

    Of several processes that ask at once, one reads and the others wait for it, at most ``LONGEST_WAIT`` seconds: then
    there is one copy in memory, and one reader's peak. Where the folder cannot be used, the persons are read into
    memory; one line in the log says why.

    Args:
        files: The annotation file, and what is read beside it. If one is absent, ``read`` decides what to say.
        reading: How they are read, in types of JSON: the reader, ``version`` of it, its arguments.
        read: Reads them.
        name: What the annotation file is called where its path changes from run to run.
        key_by: ``'stat'``: a file is the same while its path, size and time of change are. ``'content'``: while its
            bytes are; each start reads them once. ``None`` takes ``MMPOSE_MIX_CACHE_KEY``, by default ``'stat'``.

    Raises:
        ValueError: if ``key_by`` or the variable is neither; and what ``read`` raises.
    """
    by = key_by or os.environ.get(KEY_VARIABLE) or STAT
    if by not in KEYS:
        raise ValueError(f"{'key_by' if key_by else KEY_VARIABLE}={by!r}; allowed are 'stat' and 'content'")
    folder = cache_folder()
    key = None if folder is None else _key(files, reading, by, name)
    if folder is None or key is None:
        return PersonTable.of(read())
    path = folder / _entry_name(name or os.path.abspath(files[0]), reading)
    found = _opened(path, key)
    if found is not None:
        return found
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open(path.with_suffix(_LOCK), "ab")  # noqa: SIM115 - closed by the turn
        os.utime(lock.name)  # in use: no leftover
    except OSError as error:
        _tell_once(folder, error)
        return PersonTable.of(read())
    with _turn(lock):
        found = _opened(path, key)
        if found is not None:
            return found
        table = PersonTable.of(read())
        if _key(files, reading, by, name) != key:
            logger.info("%s was changed while it was read; it is not cached", files[0])
            return table
        return _stored(table, path, key)


def is_cached(files: Sequence[PathLike], reading: Mapping[str, Any]) -> bool:
    """Whether the cache holds the persons of local files, by the head of its file alone.

    False where files are compared by content, which would take reading them.

    Args:
        files, reading: as for :func:`cached_persons`.
    """
    folder = cache_folder()
    by_stat = os.environ.get(KEY_VARIABLE) in (None, "", STAT)
    key = _key(files, reading, STAT, None) if by_stat and folder is not None else None
    if folder is None or key is None:
        return False
    try:
        file = ColumnFile(folder / _entry_name(os.path.abspath(files[0]), reading), verify=False)
    except (OSError, ColumnFileError):
        return False
    return file.head.get("key") == key


def _stored(table: PersonTable, path: Path, key: Mapping[str, Any]) -> PersonTable:
    """The table as it is mapped from the file that this writes; itself where that fails."""
    head = {"key": key, "num_annotations": table.num_annotations, "categories": table.categories}
    try:
        remove_leftovers(path.parent)
        write_columns(path, head, columns_of(table))
        return table_of(ColumnFile(path, verify=False))
    except (OSError, ColumnFileError) as error:
        _tell_once(path.parent, error)
        return table


def _opened(path: Path, key: Mapping[str, Any]) -> Optional[PersonTable]:
    """The table in a cache file, if the file is there, whole and valid for ``key``."""
    try:
        file = ColumnFile(path)
        if file.head.get("key") != key:
            return None
        return table_of(file)
    except ColumnFileError as error:
        logger.warning("%s: cached annotations cannot be used (%s); they are read anew", path, error)
    except OSError:
        pass  # most often there is none yet; where the folder cannot be read, writing to it will tell
    return None


def _key(
    files: Sequence[PathLike], reading: Mapping[str, Any], by: str, name: Optional[str]
) -> Optional[dict[str, Any]]:
    """What a cache file must be made from to be valid; ``None`` where a file cannot be looked at."""
    try:
        sources = [_source(Path(os.path.abspath(file)), by) for file in files]
    except OSError:
        return None
    if name is not None:
        sources[0]["path"] = name
    key: dict[str, Any] = json.loads(json.dumps({"columns": VERSION, "sources": sources, "reading": reading}))
    return key


def _source(file: Path, by: str) -> dict[str, Any]:
    status = file.stat()
    if by == STAT:
        return {"path": str(file), "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    digest = hashlib.blake2b(digest_size=32)
    with open(file, "rb") as opened:
        while block := opened.read(2**20):
            digest.update(block)
    return {"path": str(file), "size": status.st_size, "blake2b": digest.hexdigest()}


def _entry_name(source: str, reading: Mapping[str, Any]) -> str:
    """One name per source and way of reading, whatever the versions: a new version takes the place of the old."""
    lasting = {name: value for name, value in reading.items() if name != "version"}
    digest = hashlib.blake2b(json.dumps([source, lasting], sort_keys=True).encode(), digest_size=12)
    return f"{Path(source).stem[:80]}-{digest.hexdigest()}{SUFFIX}"


@contextmanager
def _turn(lock: Any) -> Iterator[None]:
    """Be the only process that holds ``lock``, an open file; without it where that takes too long or is impossible."""
    end = time.monotonic() + LONGEST_WAIT
    with lock:  # closing it, or the end of the process, hands the lock on
        while fcntl is not None and time.monotonic() < end:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                time.sleep(_PAUSE)
            except OSError:
                break
        yield


def remove_leftovers(folder: Path) -> None:
    """Remove what killed writers left, and what was made long ago from annotation files that are there no more.

    Entries of remote files stay: whether those are there cannot be told by their names. A lock goes with its entry, and
    where there is none, when it is as old. What is no entry, or cannot be removed, is left.
    """
    now = time.time()
    for found in sorted(folder.iterdir()):
        with suppress(OSError, ColumnFileError, LookupError, TypeError):
            age = now - found.stat().st_mtime
            if found.name.startswith(TEMPORARY):
                outlived = age > _STALE_TEMPORARY
            elif found.suffix == SUFFIX:
                outlived = age > LONGEST_WITHOUT_SOURCE and _is_orphan(found)
            else:
                entry = found.with_suffix(SUFFIX)
                outlived = found.suffix == _LOCK and age > LONGEST_WITHOUT_SOURCE and not entry.exists()
            if outlived:
                found.unlink()
                if found.suffix == SUFFIX:
                    found.with_suffix(_LOCK).unlink()


def _is_orphan(entry: Path) -> bool:
    """Whether the annotation file of an entry was a local one and is gone."""
    source = ColumnFile(entry, verify=False).head["key"]["sources"][0]["path"]
    return "://" not in source and os.path.isabs(source) and not os.path.lexists(source)


def _tell_once(folder: Path, error: Exception) -> None:
    if str(folder) in _told:
        return
    _told.add(str(folder))
    logger.warning(
        "annotations are kept in memory, not in the cache folder %s: %s. Set %s to a folder that can be written, or to "
        "'off'.",
        folder,
        error,
        FOLDER_VARIABLE,
    )
