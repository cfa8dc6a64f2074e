"""The garbage collector, kept from walking over what stays anyway."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """No cyclic garbage is looked for in the block; afterwards it is again, if it was before.

    For blocks that make many objects that stay, such as imports: looking through them again and again frees nothing.
    The first collection after the block looks through them once.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
