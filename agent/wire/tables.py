"""The tables of a report: one for each kind of measurement, as columns of one length, ``null`` meaning "no data"."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from agent.wire.document import Band, Count, Hex32, Method, Ratio, Reason, Rung, Seconds, Stamp, Text


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
    """A leased HTTP transfer, down then up, with the ceiling of the network card stored beside it.

    ``far_end``: ``collector`` or ``reflector`` (on campus). ``responsiveness_rounds_per_minute``: 60 over the mean
    loaded round trip (draft-ietf-ippm-responsiveness), reported and never judged. ``retransmitted_segments``: as
    TCP_INFO counts them on our side."""

    target: list[Text]
    download_bits_per_second: list[Seconds | None]
    upload_bits_per_second: list[Seconds | None]
    download_bytes: list[Count | None]
    upload_bytes: list[Count | None]
    streams: list[Count | None]
    rtt_idle_seconds: list[Seconds | None]
    rtt_loaded_seconds: list[Seconds | None]
    nic_speed_bits_per_second: list[Seconds | None]
    far_end: list[Text | None]
    responsiveness_rounds_per_minute: list[Seconds | None]
    retransmitted_segments: list[Count | None]


class Airspace(Table):
    """Each BSS heard that is of the inventory (``listed``) or advertises a district SSID from a BSSID that is not.

    All others are counted by channel (:class:`Channels`) and dropped. ``ssid``: bytes safely shown, None where hidden.
    ``radio``: the lowest listed BSSID of the physical radio, so that radios can be counted and not BSSIDs.
    ``utilization_ratio`` and ``stations``: the BSS Load element, maxed over the radio's BSSIDs, never summed.
    ``signal_uncertainty_db``: what the receiver's model is worth."""

    bssid: list[Text]
    ssid: list[Text | None]
    listed: list[bool]
    radio: list[Text]
    band: list[Band]
    channel: list[Count]
    frequency_hertz: list[Count]
    width_hertz: list[Count | None]
    signal_dbm: list[float | None]
    signal_uncertainty_db: list[float | None]
    generation: list[Text | None]
    security: list[Text | None]
    stations: list[Count | None]
    utilization_ratio: list[Ratio | None]
    source: list[Literal["scan", "monitor"]]


class Channels(Table):
    """Each channel looked at: how busy, and how many foreign BSSs and radios were heard there (nothing else of them).

    ``busy_ratio``: channel busy time / active time over the survey's own interval; None where made up or absent."""

    band: list[Band]
    channel: list[Count]
    frequency_hertz: list[Count]
    busy_ratio: list[Ratio | None]
    noise_dbm: list[float | None]
    active_seconds: list[Seconds | None]
    own_radios: list[Count]
    foreign_bss: list[Count]
    foreign_radios: list[Count]


class Link(Table):
    """The connected BSS as nl80211 tells it. ``retry_ratio``: retries / (packets + retries) since the last look, None
    below a floor of packets. ``beacon_losses`` and ``roams``: since the last look."""

    interface: list[Text]
    bssid: list[Text | None]
    ssid: list[Text | None]
    listed: list[bool]
    band: list[Band | None]
    frequency_hertz: list[Count | None]
    width_hertz: list[Count | None]
    signal_dbm: list[float | None]
    signal_uncertainty_db: list[float | None]
    transmit_bits_per_second: list[Seconds | None]
    receive_bits_per_second: list[Seconds | None]
    transmit_packets: list[Count | None]
    retry_ratio: list[Ratio | None]
    beacon_losses: list[Count | None]
    roams: list[Count | None]
    connected_seconds: list[Seconds | None]


class Join(Table):
    """One try to join as a pupil's device does. ``outcome``: ``ok`` or the stage that failed; ``reason`` in words.

    The seconds of the stages sum to ``total_seconds``; a stage that was not reached is None. ``reason_code``: the
    802.11 status or reason code, or the EAP error. ``dhcp_server`` and ``dns_answered`` of ``dns_asked``: who
    served."""

    ssid: list[Text]
    bssid: list[Text | None]
    method: list[Text]
    band: list[Band | None]
    signal_dbm: list[float | None]
    scan_seconds: list[Seconds | None]
    authenticate_seconds: list[Seconds | None]
    associate_seconds: list[Seconds | None]
    eap_seconds: list[Seconds | None]
    handshake_seconds: list[Seconds | None]
    dhcp_seconds: list[Seconds | None]
    dns_seconds: list[Seconds | None]
    portal_seconds: list[Seconds | None]
    first_byte_seconds: list[Seconds | None]
    total_seconds: list[Seconds | None]
    reason_code: list[Count | None]
    dhcp_server: list[Text | None]
    dns_asked: list[Count | None]
    dns_answered: list[Count | None]


class Host(Table):
    """The device itself: its load, its network card, its clock, and what the agent costs.

    ``surroundings``: a keyed digest of the gateway and the segment, which tells nothing but whether the device still
    stands where it stood; None where no gateway is known."""

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
    surroundings: list[Hex32 | None]


KINDS: dict[str, type[Table]] = {
    "reach": Reach,
    "path": Path,
    "throughput": Throughput,
    "airspace": Airspace,
    "channels": Channels,
    "link": Link,
    "join": Join,
    "host": Host,
}
