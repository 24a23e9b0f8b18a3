"""The tables of a report: one for each kind of measurement, as columns of one length, ``null`` meaning "no data"."""

from __future__ import annotations

from msgspec import Struct

from agent.wire.document import Count, Method, Ratio, Reason, Rung, Seconds, Stamp, Text


class Table(Struct, forbid_unknown_fields=True):
    """One kind of measurement as columns of one length. ``at``: seconds from the report's start to the end of
    the measurement; ``duration_seconds``: how long it took; ``outcome``: ``ok`` or the stage that failed."""

    at: list[float]
    duration_seconds: list[Seconds | None]
    outcome: list[Text]
    reason: list[Reason | None]

    def __post_init__(self) -> None:
        rows = len(self.at)
        for name in self.__struct_fields__:
            column = getattr(self, name)
            if len(column) != rows:
                raise ValueError(f"column {name} has {len(column)} values where `at` has {rows}")


class Echo(Table):
    """Figures of asking ``target`` ``sent`` times. ``stamp``: who took the times; ``user`` is the less exact."""

    target: list[Text]
    method: list[Method]
    stamp: list[Stamp | None]
    sent: list[Count]
    received: list[Count]
    rtt_min_seconds: list[Seconds | None]
    rtt_mean_seconds: list[Seconds | None]
    rtt_max_seconds: list[Seconds | None]
    jitter_seconds: list[Seconds | None]
    loss_ratio: list[Ratio | None]


class Reach(Echo):
    """Access points asked whether they answer. ``target`` is the access point's id (Ethernet MAC or serial)."""


class Path(Echo):
    """The ladder link, gateway, DNS, collector, internet: each rung's figures. ``target`` is the target's name."""

    rung: list[Rung]


class Throughput(Table):
    """A leased HTTP transfer, down then up, with the ceiling of the network card stored beside it."""

    target: list[Text]
    download_bits_per_second: list[Seconds | None]
    upload_bits_per_second: list[Seconds | None]
    download_bytes: list[Count | None]
    upload_bytes: list[Count | None]
    streams: list[Count | None]
    rtt_idle_seconds: list[Seconds | None]
    rtt_loaded_seconds: list[Seconds | None]
    nic_speed_bits_per_second: list[Seconds | None]


class Host(Table):
    """The device itself: its load, its network card, its clock, and what the agent costs."""

    cpu_ratio: list[Ratio | None]
    memory_used_ratio: list[Ratio | None]
    disk_free_bytes: list[Count | None]
    temperature_celsius: list[float | None]
    nic: list[Text | None]
    nic_up: list[bool | None]
    nic_speed_bits_per_second: list[Seconds | None]
    nic_receive_bytes: list[Count | None]
    nic_transmit_bytes: list[Count | None]
    nic_errors: list[Count | None]
    nic_drops: list[Count | None]
    clock_offset_seconds: list[float | None]
    agent_cpu_seconds: list[Seconds | None]
    agent_resident_bytes: list[Count | None]


KINDS: dict[str, type[Table]] = {"reach": Reach, "path": Path, "throughput": Throughput, "host": Host}
