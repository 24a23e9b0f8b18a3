"""Where the running server and the command line meet: a Unix socket in the data folder."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

SOCKET = "admin.sock"


@contextlib.contextmanager
def address(path: Path) -> Iterator[str]:
    """A name of the socket at ``path`` that is short, to bind or connect by while the context lasts: a Unix socket's
    address has 107 bytes (unix(7)), and a folder's path may have more. Raises OSError where there is no such folder."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
