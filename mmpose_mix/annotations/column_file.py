"""A file of named arrays that is memory-mapped: written whole or not at all, checked when it is opened, no pickle.

The layout: 8 bytes of magic, the length and the CRC-32 of a header (two little-endian uint32), the header (JSON), then
the arrays, each at a multiple of 64 bytes. The header names every array with its type, shape, offset and the sum of its
64-bit words, so that a changed byte anywhere in the file is found before an array is used.
"""

from __future__ import annotations

import hashlib
import math
import mmap
import os
import tempfile
import weakref
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt

MAGIC = b"MMPMIX\x01\n"
ALIGNMENT = 64
SUFFIX = ".columns"
TEMPORARY = ".writing-"

_START = len(MAGIC) + 8


class ColumnFileError(ValueError):
    """A file that is no column file, or not whole. Its words say what is wrong, without the file's name."""


class _Column(msgspec.Struct):
    name: str
    dtype: str
    shape: list[int]
    offset: int
    sum: int


class _Header(msgspec.Struct):
    head: dict[str, Any]
    columns: list[_Column]
    size: int


class ColumnFile:
    """The arrays of a file, mapped read-only. All processes that open it share one copy in memory.

    Args:
        path: Of the file. It stays open, and with it the content, when the file is replaced or removed.
        verify: Compare the sums of the arrays too, not the header alone; reads the whole file once.

    Attributes:
        head: What the writer put beside the arrays.
        columns: The arrays by name, read-only.
        identity: A digest of the header: files of the same identity hold the same arrays.

    Raises:
        ColumnFileError: if the file is truncated, changed or something else.
        OSError: if there is no such file, or it cannot be read or mapped.
    """

    def __init__(self, path: Path, verify: bool = True) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        weakref.finalize(self, os.close, self._descriptor)
        with open(self._descriptor, "rb", closefd=False) as file:
            header, text = _header_of(file)
        size = os.fstat(self._descriptor).st_size
        if size != header.size:
            raise ColumnFileError(f"{size} bytes instead of {header.size}")
        self.head = header.head
        self.identity = hashlib.sha256(text).hexdigest()
        mapped = mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ)
        self.columns = {column.name: _array_of(mapped, column, size) for column in header.columns}
        if verify:
            changed = [column.name for column in header.columns if _sum(self.columns[column.name]) != column.sum]
            if changed:
                raise ColumnFileError(f"changed content of {', '.join(changed)}")

    def is_in_place(self) -> bool:
        """Whether the file still stands at its path, neither removed nor replaced."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except OSError:
            return False

    def handle(self) -> tuple[str, str, str]:
        """Path, identity and a second way to the file, by which another process of the machine maps it."""
        return os.fspath(self.path), self.identity, f"/proc/{os.getpid()}/fd/{self._descriptor}"


def file_of_handle(path: str, identity: str, through: str) -> ColumnFile:
    """The file that :meth:`ColumnFile.handle` describes, in another process.

    Where another file has taken its place, it is reached by way of the process that made the handle (on Linux, while
    that process lives and holds the file).

    Raises:
        FileNotFoundError: if the file can be reached on neither way.
    """
    for way in (path, through):
        try:
            found = ColumnFile(Path(way), verify=False)
        except (OSError, ColumnFileError):
            continue
        if found.identity == identity:
            found.path = Path(path)
            return found
    raise FileNotFoundError(
        f"{path}: these cached annotations were removed or replaced while a process started that was to map them, and "
        f"the process that held them is gone. Start again; they are read anew from the annotation file. Where that "
        f"happens often, set MMPOSE_MIX_CACHE to a folder of this machine alone, or to 'off'."
    )


def write_columns(path: Path, head: Mapping[str, Any], columns: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a column file; whoever opens ``path`` meanwhile finds the old one or the new one, whole.

    Raises:
        OSError: if the folder cannot be written or is full. Nothing is left behind then.
    """
    arrays = {name: np.asarray(column, order="C") for name, column in columns.items()}
    described = [
        _Column(name, array.dtype.str, list(array.shape), 0, _sum(array.reshape(-1))) for name, array in arrays.items()
    ]
    text, size = _laid_out(head, described, [array.nbytes for array in arrays.values()])
    number, temporary = tempfile.mkstemp(prefix=f"{TEMPORARY}{path.stem}-", dir=path.parent)
    try:
        with open(number, "wb") as file:
            file.write(MAGIC + np.array([len(text), zlib.crc32(text)], dtype="<u4").tobytes() + text)
            for column, array in zip(described, arrays.values()):
                file.seek(column.offset)
                file.write(array.reshape(-1).view(np.uint8).data)
            file.truncate(size)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink()
        raise


def _laid_out(head: Mapping[str, Any], columns: list[_Column], sizes: list[int]) -> tuple[bytes, int]:
    """The header's text, and the size of the file. Sets the offsets; their digits lengthen the text: hence the loop."""
    start = 0
    while True:
        offset = start
        for column, size in zip(columns, sizes):
            column.offset = offset
            offset = _aligned(offset + size)
        text = msgspec.json.encode(_Header(dict(head), columns, offset))
        if _aligned(_START + len(text)) <= start:
            return text, offset
        start = _aligned(_START + len(text)) + ALIGNMENT


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _header_of(file: BinaryIO) -> tuple[_Header, bytes]:
    start = file.read(_START)
    if len(start) < _START or start[: len(MAGIC)] != MAGIC:
        raise ColumnFileError("another kind of file")
    length, checksum = np.frombuffer(start[len(MAGIC) :], dtype="<u4").tolist()
    text = file.read(length)
    if len(text) != length or zlib.crc32(text) != checksum:
        raise ColumnFileError("a damaged header")
    try:
        return msgspec.json.decode(text, type=_Header), text
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ColumnFileError(f"a header of another kind: {error}") from None


def _array_of(mapped: mmap.mmap, column: _Column, size: int) -> npt.NDArray[Any]:
    try:
        dtype = np.dtype(column.dtype)
    except TypeError:
        raise ColumnFileError(f"{column.name} of the unknown type {column.dtype!r}") from None
    count = math.prod(column.shape)
    fits = min(column.shape, default=0) >= 0 and 0 <= column.offset <= size - count * dtype.itemsize
    if dtype.kind not in "biuf" or not fits or column.offset % ALIGNMENT:
        raise ColumnFileError(f"{column.name} of type {column.dtype!r} and shape {column.shape} outside of the file")
    flat = np.frombuffer(mapped, dtype=dtype, count=count, offset=column.offset) if count else np.empty(0, dtype)
    return flat.reshape(column.shape)


def _sum(column: npt.NDArray[Any]) -> int:
    """The sum of the 64-bit words of an array, modulo 2**64: about memory's own speed, unlike a CRC."""
    flat = column.reshape(-1).view(np.uint8)
    words = len(flat) // 8 * 8
    rest = int.from_bytes(flat[words:].tobytes(), "little")
    return (int(np.add.reduce(flat[:words].view(np.uint64), dtype=np.uint64)) + rest) % 2**64
