"""Where a policy file says something: its text goes in, the line of an entry or of a key comes out.

TOML readers give values without places, and "criteria entry 7" is a count that nobody wants to do by hand.
"""

from __future__ import annotations

import re

_TABLE = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_.-]+)")
_FAULT = re.compile(r"at line (\d+)")


class Lines:
    """``entry`` 0 is the head of the file, 1 the first [[criteria]], and so on."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        heads = [(number, found[1]) for number, line in enumerate(self._lines, 1) if (found := _TABLE.match(line))]
        self._entries = [number for number, name in heads if name == "criteria"]
        self._ends = [number for number, _ in heads]

    def of(self, entry: int, key: str = "") -> int | None:
        """The line of ``key`` in the entry, else where the entry begins; None where neither is to be found."""
        begin, end = 1, self._entries[0] if self._entries else len(self._lines) + 1
        if entry:
            if entry > len(self._entries):
                return self.of(0, "criteria")  # written in one line: criteria = [{...}]
            begin = self._entries[entry - 1]
            end = next((one for one in self._entries if one > begin), len(self._lines) + 1)
        name = re.compile(rf"\s*\"?{re.escape(key)}\"?\s*[=.\]]") if key else None
        if name is not None:
            for number in range(begin, end):
                line = self._lines[number - 1] if number <= len(self._lines) else ""
                if name.match(line) or (line.strip().startswith("[") and name.match(line.strip().lstrip("["))):
                    return number
        return begin if entry else None


def of_fault(message: str) -> int | None:
    """The line that a TOML reader names."""
    found = _FAULT.search(message)
    return int(found[1]) if found else None
