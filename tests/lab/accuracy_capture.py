"""tcpdump beside what is measured: packets as lines, each with the kernel's own stamp (Unix seconds)."""

from typing import NamedTuple

from tests.e2e.programs import Programs, until


class Packet(NamedTuple):
    """``text``: tcpdump's words for it, without the time."""

    at: float
    text: str


class Capture:
    """tcpdump on one interface, from when it listens to :meth:`packets`."""

    def __init__(self, programs: Programs, name: str, interface: str, expression: str) -> None:
        self._programs, self._name = programs, name
        programs.start(
            name, "tcpdump", "-n", "-l", "-tt", "--time-stamp-precision=nano", "--immediate-mode", "-s", "400",
            "-i", interface, *expression.split(),
        )  # fmt: skip
        until(lambda: "listening on" in programs.log(name), 20, "tcpdump listens")

    def packets(self) -> list[Packet]:
        """Ends it; all that it saw."""
        self._programs.stop(self._name)
        found = []
        for line in self._programs.log(self._name).splitlines():
            at, _, text = line.partition(" ")
            if text.startswith("IP ") and at[:1].isdigit():
                found.append(Packet(float(at), text))
        return found
