"""What a technician types (ADDRESS, CIDR, A-B, @FILE) to the list of addresses; each wrong piece is named."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.icmp import MAX_TARGETS

FORMS = "ADDRESS | CIDR | A-B | @FILE"
_SHOWN_FAULTS = 10


class TargetError(Exception):
    """Targets that cannot be used. Says which, where and what to do."""


def parse(specs: Iterable[str]) -> list[tuple[str, str]]:
    """(label, address) in the order given, each address once. A file's lines are any of the other forms, then
    optionally a name; ``#`` begins a comment. Raises TargetError."""
    found: dict[str, str] = {}
    faults: list[str] = []
    for spec in specs:
        lines = _lines(spec[1:]) if spec.startswith("@") else [("", spec, "")]
        for where, text, name in lines:
            try:
                for address in _addresses(text):
                    found.setdefault(address, name or address)
                    _bounded(len(found))
            except ValueError as fault:
                faults.append(f"{where}{fault}")
    if faults:
        more = len(faults) - _SHOWN_FAULTS
        raise TargetError("\n".join(faults[:_SHOWN_FAULTS] + ([f"… and {more} more"] if more > 0 else [])))
    if not found:
        raise TargetError(f"no targets: give --target {FORMS}")
    return [(name, address) for address, name in found.items()]


def _bounded(count: int) -> None:
    if count > MAX_TARGETS:
        raise TargetError(
            f"more than {MAX_TARGETS} targets: the kernel's neighbour table holds 1,024 entries "
            "(net.ipv4.neigh.default.gc_thresh3) and would drop some, which looks like loss. Measure in smaller parts"
        )


def _lines(name: str) -> list[tuple[str, str, str]]:
    try:
        text = Path(name).read_text(encoding="utf-8")
    except OSError as fault:
        raise TargetError(f"{name}: {fault.strerror}; give a readable file after @") from None
    except UnicodeDecodeError:
        raise TargetError(f"{name}: not a text file; one target a line is expected") from None
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split(maxsplit=1)
        if words:
            label = words[1].strip()[:64] if len(words) > 1 else ""
            found.append((f"{name}, line {number}: ", words[0], label))
    return found


def _addresses(text: str) -> Iterator[str]:
    """Raises ValueError naming ``text``."""
    if text.startswith("@"):
        raise ValueError(f"{text!r}: a file cannot name another file")
    if "/" in text:
        try:
            network = ipaddress.IPv4Network(text, strict=False)
        except ValueError:
            raise ValueError(f"{text!r} is no IPv4 network; write it like 10.20.0.0/24") from None
        yield from map(str, network.hosts())
        return
    if "-" in text:
        yield from _range(text)
        return
    yield str(_address(text))


def _range(text: str) -> Iterator[str]:
    left, _, right = text.partition("-")
    first = _address(left)
    # 10.0.0.1-20 is how people write it.
    last = _address(right if "." in right else f"{left.rpartition('.')[0]}.{right}")
    if last < first:
        raise ValueError(f"{text!r} ends before it begins")
    for number in range(int(first), int(last) + 1):
        yield str(ipaddress.IPv4Address(number))


def _address(text: str) -> ipaddress.IPv4Address:
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise ValueError(f"{text!r} is no IPv4 address; use {FORMS}") from None
