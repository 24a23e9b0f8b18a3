"""Why a database's file cannot be opened, with the mend: whose it is, and who asked for it."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from sqlalchemy.exc import DBAPIError


def why(path: Path | None, fault: BaseException, *, write: bool) -> str:
    """What keeps this process from the database in the file ``path`` (None: no file), else the fault's own words."""
    if path is not None and (found := _shut(path, write=write)):
        return found
    if isinstance(fault, DBAPIError) and fault.orig is not None:
        # Without the statement, and the address of a manual, that SQLAlchemy adds.
        return str(fault.orig)
    return str(fault)


def _shut(path: Path, *, write: bool) -> str | None:
    folder = path.parent
    try:
        while not folder.exists():
            folder = folder.parent
    except PermissionError:
        return _of_another(_reached(folder), "entered")
    if not folder.is_dir():
        return f"{folder} is a file; name another data_dir"
    if not os.access(folder, os.X_OK):
        return _of_another(folder, "entered")
    if write and os.statvfs(folder).f_flag & os.ST_RDONLY:
        return (
            f"{folder} is on a file system that is mounted read-only; mount it to be written, or name another data_dir"
        )
    if write and not os.access(folder, os.W_OK):
        return _of_another(folder, "written")
    beside = (path, *(path.with_name(path.name + ending) for ending in (".lock", "-wal", "-shm")))
    for file in beside if write else (path,):
        if file.exists() and not os.access(file, os.R_OK | os.W_OK if write else os.R_OK):
            return _of_another(file, "written" if write else "read")
    return None


def _reached(folder: Path) -> Path:
    """The last folder on the way to it that can be looked at."""
    for parent in reversed(folder.parents):
        if not os.access(parent, os.X_OK):
            return parent
    return folder


def _of_another(place: Path, what: str) -> str:
    held = place.stat()
    me = f"{_user(os.geteuid())} ({os.geteuid()}:{os.getegid()})"
    owner = f"{_user(held.st_uid)}:{_group(held.st_gid)} ({held.st_uid}:{held.st_gid})"
    mode = f"{stat.S_IMODE(held.st_mode):04o}"
    mend = f"run as its owner, or give it: chown {os.geteuid()}:{os.getegid()} {place}"
    return f"{place} belongs to {owner}, mode {mode}, and cannot be {what} by {me}, as whom this runs; {mend}"


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return "a user without a name"


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return "a group without a name"
