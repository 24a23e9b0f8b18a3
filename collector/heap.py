"""How often the collector looks for objects that hold each other: seldom, for its heap is large and lives long.

A district's inventory and the day records that a page reads are some hundred thousand objects. CPython's own thresholds
(700 new objects, then 10, then 10 times) walk all of them several times a second while pages are asked for, and each
walk of the whole holds every thread for 100 ms and more. What is not part of a cycle is freed at once either way.
"""

from __future__ import annotations

import gc

_NEW_OBJECTS, _YOUNG, _OLD = 50_000, 20, 100


def tune() -> None:
    """For a whole process: its composition root calls it once."""
    gc.set_threshold(_NEW_OBJECTS, _YOUNG, _OLD)
