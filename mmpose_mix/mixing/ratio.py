"""The words for a ratio: numbers, a dict by source, ``'size'``, ``'equal'`` or a temperature.

What is weighed are items: the samples that an epoch of a source holds (instances in top-down mode, images in bottom-up
mode), over the global batch.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Optional

import numpy as np

from mmpose_mix.mixing.allocation import exact_number, exact_numbers, exact_shares, is_finite, is_number

RATIO_WORDS = "'size', 'equal', one number for each source, a dict by source name, or dict(temperature=T, cap=N)"
_TEMPERATURE_KEYS = ("temperature", "cap")
_SMALLEST = Decimal("0.000001")
# Decimal arithmetic gives the same digits on every machine; the C library's powers do not.
_DECIMAL = Context(prec=40, traps=[])


def ratio_weights(
    words: Any, lengths: Sequence[int], names: Sequence[str], where: str = "source_ratio"
) -> tuple[Fraction, ...]:
    """Return the shares that the words of a ratio ask for.

    =============================  =====================================================================
    words                          share of a source with n items
    =============================  =====================================================================
    ``[4, 1]``, a tuple, an array  proportional to its number
    ``dict(coco=4, aic=1)``        proportional to its number; every source must be named, 0 leaves it out
    ``'size'``                     proportional to n
    ``'equal'``                    the same for all
    ``dict(temperature=T)``        proportional to n ** (1 / T): 1 is 'size', large T goes towards 'equal'
    ``dict(temperature=T, cap=N)`` proportional to min(n, N) ** (1 / T)
    =============================  =====================================================================

    The temperature is that of multilingual pre-training (L. Xue et al., "mT5", NAACL 2021), the cap the artificial
    limit of C. Raffel et al., "T5", JMLR 2020. Where T is not 1 the weights are rounded to 6 decimals of the largest,
    but never to 0, so they are exact numbers.

    Args:
        words: see above.
        lengths: S numbers of items of the sources.
        names: S names of the sources, no two alike.
        where: what the words are called in errors.

    Returns:
        S fractions in [0, 1] that sum to 1. An empty source has share 0.

    Raises:
        TypeError, ValueError: if the words are none of these, or a source without items should be drawn.

    >>> ratio_weights({"coco": 3, "aic": 1}, lengths=[100, 200], names=["coco", "aic"])
    (Fraction(3, 4), Fraction(1, 4))
    >>> ratio_weights({"temperature": 2}, lengths=[400, 100], names=["coco", "aic"])
    (Fraction(2, 3), Fraction(1, 3))
    """
    if isinstance(words, str):
        shares = _shares_of_word(words, lengths, where)
    elif _is_temperature(words, names):
        shares = exact_shares(_tempered(words, lengths, where), where)
    else:
        values, places = _one_for_each(words, names, where, "0 to leave it out", RATIO_WORDS)
        shares = exact_shares(values, where, places)
    empty = [repr(name) for name, share, length in zip(names, shares, lengths) if share and not length]
    if empty:
        raise ValueError(
            f"{where}: no samples in {', '.join(empty)}, which should be drawn. "
            "Set the ratio to 0 or check the data set."
        )
    return shares


def sample_factors(
    words: Any, lengths: Sequence[int], names: Sequence[str], where: str = "sample_ratio_factor"
) -> tuple[Fraction, ...]:
    """Return how many times its length each source gets in an epoch.

    Numbers, in a list or in a dict by source name, are the factors themselves, as in MMPose. ``'size'`` keeps every
    source as it is. ``'equal'`` and ``dict(temperature=T, cap=N)`` give every source its share of
    :func:`ratio_weights` in an epoch that stays as long as all sources together.

    Args:
        words: see above.
        lengths: S numbers of items of the sources.
        names: S names of the sources, no two alike.
        where: what the words are called in errors.

    Returns:
        S fractions, at least 0.

    Raises:
        TypeError, ValueError: if the words are none of these, or a source without items should be drawn.

    >>> sample_factors("equal", lengths=[100, 300], names=["coco", "aic"])
    (Fraction(2, 1), Fraction(2, 3))
    """
    if words == "size" and isinstance(words, str):
        return (Fraction(1),) * len(lengths)
    if isinstance(words, str) or _is_temperature(words, names):
        shares = ratio_weights(words, lengths, names, where)
        total = sum(lengths)
        return tuple(total * share / length if length else Fraction(0) for share, length in zip(shares, lengths))
    remedy = "1 to keep it as it is or 0 to leave it out"
    values, places = _one_for_each(words, names, where, remedy, RATIO_WORDS)
    return exact_numbers(values, where, places)


def items_per_epoch(
    epoch_length: Any, lengths: Sequence[int], shares: Sequence[Fraction], where: str = "epoch_length"
) -> int:
    """Return how many items an epoch draws, before it is filled up to whole batches.

    Args:
        epoch_length: ``'sum'``: as many as all sources have together (MMPose). ``'shortest'``, ``'longest'``: until the
            first, the last of the drawn sources has finished one pass at these shares. Or a number of items.
        lengths: S numbers of items of the sources.
        shares: S fractions that sum to 1.
        where: what the argument is called in errors.

    Raises:
        TypeError: if it is neither a word nor an integer.
        ValueError: if the word is unknown or the number below 1.

    >>> shares = (Fraction(1, 2), Fraction(1, 2))
    >>> [items_per_epoch(word, [100, 300], shares) for word in ("sum", "shortest", "longest", 50)]
    [400, 200, 600, 50]
    """
    allowed = "'sum', 'shortest', 'longest' or a number of items of at least 1"
    if isinstance(epoch_length, str):
        passes = [length / share for length, share in zip(lengths, shares) if share]
        items = {"sum": Fraction(sum(lengths)), "shortest": min(passes), "longest": max(passes)}
        if epoch_length not in items:
            raise ValueError(f"{where}={epoch_length!r} is unknown{_meant(epoch_length, items)}. Use {allowed}.")
        return math.ceil(items[epoch_length])
    if isinstance(epoch_length, bool) or not isinstance(epoch_length, (int, np.integer)):
        raise TypeError(f"{where}={epoch_length!r} is of type {type(epoch_length).__name__}. Use {allowed}.")
    if epoch_length < 1:
        raise ValueError(f"{where}={epoch_length!r} would leave an epoch empty. Use {allowed}.")
    return int(epoch_length)


def _shares_of_word(word: str, lengths: Sequence[int], where: str) -> tuple[Fraction, ...]:
    if word == "equal":
        return (Fraction(1, len(lengths)),) * len(lengths)
    if word != "size":
        raise ValueError(f"{where}={word!r} is unknown{_meant(word, ('size', 'equal'))}. Use {RATIO_WORDS}.")
    if not any(lengths):
        raise ValueError(f"{where}={word!r}: all sources are empty, so none could be drawn. Check the data sets.")
    return exact_shares([int(length) for length in lengths], where)


def _is_temperature(words: Any, names: Sequence[str]) -> bool:
    """Whether a dict speaks of a temperature, and not of sources that happen to have such a name."""
    return isinstance(words, Mapping) and any(key in words and key not in names for key in _TEMPERATURE_KEYS)


def _tempered(words: Mapping[Any, Any], lengths: Sequence[int], where: str) -> list[Fraction]:
    findings = [f"{where}[{key!r}] is unknown" for key in words if key not in _TEMPERATURE_KEYS]
    if "temperature" not in words:
        findings.append(f"{where} has a cap but no temperature: give temperature=1 to weigh by size")
    elif not _is_positive(words["temperature"]):
        findings.append(f"{where}['temperature']={words['temperature']!r} must be a finite number above 0")
    cap = words.get("cap")
    if cap is not None and not _is_positive(cap):
        findings.append(f"{where}['cap']={cap!r} must be a finite number of samples above 0, or left out")
    if findings:
        raise ValueError(f"{'; '.join(findings)}. Allowed is dict(temperature=T, cap=N).")
    if not any(lengths):
        raise ValueError(
            f"{where}={dict(words)!r}: all sources are empty, so none could be drawn. Check the data sets."
        )
    sizes = [Fraction(int(length)) for length in lengths]
    if cap is not None:
        sizes = [min(size, exact_number(cap)) for size in sizes]
    temperature = exact_number(words["temperature"])
    return sizes if temperature == 1 else [_power(size / max(sizes), temperature) for size in sizes]


def _is_positive(value: Any) -> bool:
    return is_number(value) and is_finite(value) and value > 0


def _power(size: Fraction, temperature: Fraction) -> Fraction:
    """Return ``size ** (1 / temperature)`` for a size in [0, 1], rounded to 6 decimals, but not to 0."""
    if size in (0, 1):
        return size
    exponent = _DECIMAL.divide(_DECIMAL.ln(_decimal(size)), _decimal(temperature))
    power = _DECIMAL.exp(exponent).quantize(_SMALLEST, context=_DECIMAL)
    return Fraction(max(power, _SMALLEST))


def _decimal(value: Fraction) -> Decimal:
    return _DECIMAL.divide(Decimal(value.numerator), Decimal(value.denominator))


def _one_for_each(
    words: Any, names: Sequence[str], where: str, remedy: str, allowed: str
) -> tuple[list[Any], Optional[list[str]]]:
    """Return one entry a source out of a sequence or a dict by name, and what each is called in errors."""
    if isinstance(words, Mapping):
        return _by_name(words, names, where, remedy), [f"{where}[{name!r}]" for name in names]
    if isinstance(words, np.ndarray) and words.ndim == 1:
        words = list(words)
    if not isinstance(words, (list, tuple)):
        raise TypeError(f"{where}={words!r} is of type {type(words).__name__}. Use {allowed}.")
    if len(words) != len(names):
        raise ValueError(
            f"{where} has {len(words)} entries for {len(names)} sources ({', '.join(map(repr, names))}). "
            f"Give one number a source, {remedy}."
        )
    return list(words), None


def _by_name(words: Mapping[Any, Any], names: Sequence[str], where: str, remedy: str) -> list[Any]:
    wrong = [f"{where}[{key!r}]" for key in words if not isinstance(key, str)]
    if wrong:
        raise TypeError(f"{', '.join(wrong)}: the keys must be names of sources: {', '.join(map(repr, names))}.")
    unknown = [f"{key!r}{_meant(key, [*names, *_TEMPERATURE_KEYS])}" for key in words if key not in names]
    missing = [repr(name) for name in names if name not in words]
    findings = [f"no source is called {', '.join(unknown)}"] if unknown else []
    findings += [f"{', '.join(missing)}: no entry; use {remedy}"] if missing else []
    if findings:
        raise ValueError(f"{where}: {'; '.join(findings)}. The sources are {', '.join(map(repr, names))}.")
    return [words[name] for name in names]


def _meant(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
