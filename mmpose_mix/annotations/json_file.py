"""JSON files of annotations: their text, checked, and errors that say where in the file something is wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, Union

import msgspec

from mmpose_mix.collector import collector_paused

PathLike = Union[str, "os.PathLike[str]"]
T = TypeVar("T")

_SHOWN = 5


def bytes_of(path: PathLike) -> bytes:
    """What stands in a JSON file.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is a folder or an empty file.
    """
    file = Path(path)
    if not file.exists():
        raise FileNotFoundError(f"There is no file {os.fspath(path)!r} (working directory: {Path.cwd()}).")
    if file.is_dir():
        raise ValueError(f"{os.fspath(path)!r} is a folder; give the JSON file in it.")
    data = file.read_bytes()
    if not data.strip():
        raise ValueError(f"{os.fspath(path)}: the file is empty ({len(data)} bytes). Copy or download it again.")
    return data


def decoded(data: bytes, kind: type[T], path: PathLike, hint: str) -> T:
    """The JSON text ``data`` as a ``kind``; what is wrong with it, where in ``path``, and ``hint`` stand in the error.

    Raises:
        ValueError: if ``data`` is truncated, no JSON or no ``kind``.
    """
    try:
        with collector_paused():  # of hundreds of thousands of lists and tuples none is garbage
            return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise ValueError(f"{located(error, path)}. {hint}") from None
    except msgspec.DecodeError as error:
        raise ValueError(f"{os.fspath(path)}: {_malformed(str(error), data)}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"{os.fspath(path)}: the text is not in UTF-8: {error}") from None


def located(error: Exception, path: PathLike, prefix: str = "") -> str:
    """`FILE: annotations[3].bbox: Expected ...`, from msgspec's `Expected ... - at `$.annotations[3].bbox``."""
    what, _, where = str(error).partition(" - at `$")
    where = (prefix + where.rstrip("`")).lstrip(".") or "top level"
    return f"{os.fspath(path)}: {where}: {what}"


def _malformed(message: str, data: bytes) -> str:
    if "truncated" in message:
        return (
            f"the JSON text is truncated: it ends after {len(data)} bytes in the middle of a value. "
            f"Copy or download the file again."
        )
    found = re.search(r"\(byte (\d+)\)", message)
    if found is None:
        return f"the file is no JSON: {message}"
    byte = int(found.group(1))
    line = data.count(b"\n", 0, byte) + 1
    excerpt = data[max(0, byte - 20) : byte + 20].decode("utf-8", "replace")
    advice = ""
    if re.match(rb"-?(NaN|Infinity)", data[max(0, byte - 1) : byte + 9].lstrip(b" \t\r\n:,[")):
        advice = " NaN and Infinity are not JSON, though Python writes them: leave the field or the annotation out."
    return f"the file is no JSON: {message}, line {line}, near {excerpt!r}.{advice}"


def some(offenders: Sequence[Any], singular: str, plural: str) -> str:
    """`7 image ids occur (1, 2, 3, 4, 5, ...)`."""
    shown = ", ".join(str(offender) for offender in offenders[:_SHOWN])
    more = ", ..." if len(offenders) > _SHOWN else ""
    return f"{len(offenders)} {singular if len(offenders) == 1 else plural} ({shown}{more})"
