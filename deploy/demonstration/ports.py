"""The addresses of a demonstration: one port and those after it, on loopback only."""

import socket
from typing import NamedTuple


class Ports(NamedTuple):
    collector: int
    throughput: int
    prometheus: int
    alertmanager: int
    agent: int
    grafana: int

    @classmethod
    def starting_at(cls, first: int) -> "Ports":
        return cls(*range(first, first + len(cls._fields)))

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{getattr(self, name)}"

    def taken(self) -> list[tuple[str, int]]:
        """Those that another program listens on, with what each is for."""
        found = []
        for name, port in self._asdict().items():
            with socket.socket() as probe:
                # As servers do: a connection that ended a moment ago does not keep the port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    found.append((name, port))
        return found
