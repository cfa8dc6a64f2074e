"""An unpickler for checkpoints that builds tensors, arrays and plain containers, and runs nothing a file names.

Pickle calls whatever its file names. Here names resolve to a short table of functions that build data; every other
name resolves to :class:`Placeholder`, which accepts all that pickle does to objects and does nothing. What the table
hands out refuses to be changed, so a file cannot alter the process either.
"""

from __future__ import annotations

import math
import pickle
import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterator
from typing import Any, Callable, NoReturn, Optional

import numpy as np
import torch
from mmengine.logging.history_buffer import HistoryBuffer

# Python 2 names, which pickles of protocol 2 and below use.
_RENAMED_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg", "numpy.core.multiarray": "numpy._core.multiarray"}
_PLAIN_TYPES = (bool, bytearray, bytes, complex, dict, float, frozenset, int, list, range, set, slice, str, tuple)
_DTYPE_CODE = re.compile(r"[biufcSU][1-9]\d*")
# Left out of the report: log buffers refer to their methods this way, and get them anew.
_UNREPORTED = frozenset({"builtins.getattr"})


class Placeholder:
    """Stands where a checkpoint held an object of a class that loading does not trust."""

    __slots__ = ("stands_for",)

    def __init__(self, stands_for: object = "an unknown object", *_: object, **__: object) -> None:
        self.stands_for = str(stands_for)

    def __setstate__(self, state: object) -> None:
        """Ignore the state."""

    def __setitem__(self, key: object, value: object) -> None:
        """Ignore the item."""

    def append(self, value: object) -> None:
        """Ignore the element."""

    def extend(self, values: object) -> None:
        """Ignore the elements."""

    def add(self, value: object) -> None:
        """Ignore the element."""

    def __iter__(self) -> Iterator[object]:
        return iter(())

    def __call__(self, *_: object, **__: object) -> Placeholder:
        return self

    def __reduce__(self) -> tuple:
        return Placeholder, (self.stands_for,)

    def __repr__(self) -> str:
        return f"Placeholder({self.stands_for})"


def _placeholder_type(stands_for: str) -> type[Placeholder]:
    """A class, as pickle's NEWOBJ wants one, whose instances are placeholders for ``stands_for``."""

    def build(_: type, *__: object, **___: object) -> Placeholder:
        return Placeholder(stands_for)

    return type("Placeholder", (Placeholder,), {"__slots__": (), "__new__": build})


class _Builder:
    """A function that a pickle may call and cannot change."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        object.__setattr__(self, "_function", function)

    def __call__(self, *args: object) -> object:
        return self._function(*args)

    def _refuse(self, *_: object) -> NoReturn:
        raise pickle.UnpicklingError("a pickle may not change the functions that it calls")

    __setattr__ = _refuse
    __setstate__ = _refuse


class _IncomingHistoryBuffer(HistoryBuffer):
    """A log buffer on its way in: it takes the histories from its state, and MMEngine's own statistics."""

    __slots__ = ()

    def __new__(cls) -> _IncomingHistoryBuffer:
        return object.__new__(cls)

    def __setstate__(self, state: dict[str, Any]) -> None:
        histories = [_arrived(state[key], {}) for key in ("_log_history", "_count_history")]
        for history in histories:
            if not isinstance(history, np.ndarray) or history.dtype.kind not in "biuf" or history.ndim != 1:
                raise pickle.UnpicklingError(f"a log buffer holds {history!r:.100}, not a row of numbers")
        self.__class__ = HistoryBuffer
        HistoryBuffer.__init__(self, *histories, max_length=int(state["max_length"]))


def _tensor(storage: object, offset: int, size: tuple, stride: tuple, requires_grad: bool = False, *_: object) -> Any:
    if not isinstance(storage, torch.storage.TypedStorage):
        raise pickle.UnpicklingError(f"a tensor is made from {type(storage).__name__}, not from a storage")
    return torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, OrderedDict())


def _parameter(data: object, requires_grad: bool, *_: object) -> Any:
    return torch.nn.Parameter(data, requires_grad) if isinstance(data, torch.Tensor) else data


class _IncomingDtype:
    """A numpy type on its way in. Numpy's own ``__setstate__`` takes sizes and fields from a file as they are."""

    __slots__ = ("code", "value")

    def __init__(self, code: object, *_: object) -> None:
        simple = isinstance(code, str) and _DTYPE_CODE.fullmatch(code)
        self.code = code if simple else None
        self.value: object = np.dtype(code) if simple else Placeholder(f"numpy.dtype({code!r:.20})")

    def __setstate__(self, state: tuple) -> None:
        if self.code is not None and state[1] in ("<", ">", "|", "="):
            self.value = np.dtype(f"{state[1]}{self.code}")


class _IncomingArray:
    """A numpy array on its way in."""

    __slots__ = ("value",)

    def __init__(self, *_: object) -> None:
        self.value: object = Placeholder("numpy.ndarray")

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, is_fortran, data = state
        if isinstance(dtype, _IncomingDtype) and isinstance(dtype.value, np.dtype):
            if math.prod(shape) * dtype.value.itemsize != len(data):
                raise pickle.UnpicklingError(f"an array {shape} of {dtype.value} comes with {len(data)} bytes")
            order = "F" if is_fortran else "C"
            self.value = np.ndarray(shape, dtype.value, bytearray(data), order=order)


def _scalar(dtype: object, data: object) -> Any:
    if isinstance(dtype, _IncomingDtype) and isinstance(dtype.value, np.dtype):
        return np.frombuffer(data, dtype.value, 1)[0]
    return Placeholder("numpy scalar")


def _arrived(value: Any, seen: dict[int, object]) -> Any:
    """``value`` with the arrays and types that came in within its containers, which are changed in place."""
    if isinstance(value, (_IncomingArray, _IncomingDtype)):
        return value.value
    if isinstance(value, tuple) and not isinstance(value, torch.Size):
        items = [_arrived(item, seen) for item in value]
        return value if all(new is old for new, old in zip(items, value)) else tuple(items)
    if isinstance(value, (dict, list)) and id(value) not in seen:
        seen[id(value)] = value
        for place, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
            value[place] = _arrived(item, seen)
    return value


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How pickles of protocol 2 hold bytes."""
    return str.encode(text, encoding)


def _default_dict(factory: Optional[type] = None) -> defaultdict:
    return defaultdict(factory if factory in _PLAIN_TYPES else None)


def _trusted_globals() -> dict[str, object]:
    trusted: dict[str, object] = {f"builtins.{kind.__name__}": kind for kind in _PLAIN_TYPES}
    trusted.update({f"torch.{name}": kind for name, kind in vars(torch).items() if isinstance(kind, torch.dtype)})
    functions: dict[str, Callable[..., Any]] = {
        "_codecs.encode": _encode,
        "collections.Counter": Counter,
        "collections.OrderedDict": OrderedDict,
        "collections.defaultdict": _default_dict,
        "numpy._core.multiarray._reconstruct": _IncomingArray,
        "numpy._core.multiarray.scalar": _scalar,
        "numpy.dtype": _IncomingDtype,
        "numpy.ndarray": _IncomingArray,
        "torch.Size": torch.Size,
        "torch._utils._rebuild_parameter": _parameter,
        "torch._utils._rebuild_tensor": _tensor,
        "torch._utils._rebuild_tensor_v2": _tensor,
        "torch.device": torch.device,
        f"{Placeholder.__module__}.{Placeholder.__name__}": Placeholder,
    }
    trusted.update({name: _Builder(function) for name, function in functions.items()})
    trusted["mmengine.logging.history_buffer.HistoryBuffer"] = _IncomingHistoryBuffer
    return trusted


class RestrictedPickle:
    """What ``torch.load`` takes as ``pickle_module``.

    Attributes:
        refused: names that were replaced by placeholders so far.
    """

    __name__ = __name__
    UnpicklingError = pickle.UnpicklingError

    def __init__(self) -> None:
        self.refused: set[str] = set()
        trusted = _trusted_globals()
        refused = self.refused

        class Unpickler(pickle.Unpickler):
            def find_class(self, module: str, name: str) -> object:
                known = f"{_RENAMED_MODULES.get(module, module)}.{name}"
                if known in trusted:
                    return trusted[known]
                if known not in _UNREPORTED:
                    refused.add(known)
                return _placeholder_type(known)

            def load(self) -> object:
                return _arrived(super().load(), {})

        self.Unpickler = Unpickler

    def load(self, file: Any, **options: Any) -> object:
        """Read one object from a file."""
        return self.Unpickler(file, **options).load()
