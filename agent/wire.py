"""The contract between agent and collector: measurements go in as typed columns, canonical signed JSON comes out.

A *report* holds one agent's measurements of one wall-clock window: for each kind one table of columns, ``null`` meaning
"no data". Instants inside a report are seconds after its start, so that a report made while the clock was unknown can
be placed later by an anchor and never needs to change. This is the only module of the agent that the collector
imports; it imports msgspec and the standard library.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

SCHEMA = 1
MAX_WIRE_BYTES = 1 << 20
MAX_DECODED_BYTES = 8 << 20
MAX_REPORTS_PER_PUSH = 50

Text = Annotated[str, Meta(max_length=64)]
Reason = Annotated[str, Meta(max_length=200)]
Hex32 = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Hex64 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Meta(ge=0, le=2**62)]
Seconds = Annotated[float, Meta(ge=0)]
Ratio = Annotated[float, Meta(ge=0, le=1)]

ClockState = Literal["synced", "estimated", "unknown"]
Rung = Literal["link", "gateway", "dns", "collector", "internet", "target"]
Method = Literal["icmp", "arp", "tcp", "dns", "http", "link"]
Stamp = Literal["kernel", "user"]


class WireError(ValueError):
    """A document that is not of this contract. ``reason`` names the fault and the path to it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Table(Struct):
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


class NotRun(Struct):
    """A probe that could not run: agent health, never a fact about the Wi-Fi."""

    at: float
    probe: Text
    reason: Reason
    hint: Reason = ""


class Loss(Struct):
    """A tombstone: reports that the agent had and gave up, so that loss is never silent."""

    kind: Text
    count: Count
    first_seq: Count
    last_seq: Count
    stream: Hex32
    reason: Reason
    from_at: float | None = None
    to_at: float | None = None


class Anchor(Struct):
    """Places reports of a boot whose clock was unknown: Unix time = boot time + ``offset_seconds``."""

    boot_id: Hex32
    offset_seconds: float
    error_seconds: Seconds | None = None


class Clock(Struct):
    """``boottime_seconds`` is CLOCK_BOOTTIME at the report's start; ``offset_seconds`` what NTP says we are off."""

    state: ClockState
    boottime_seconds: Seconds
    offset_seconds: float | None = None
    error_seconds: Seconds | None = None


class Report(Struct, omit_defaults=True):
    """One agent's window, numbered densely by ``seq`` within a random ``stream``. ``start_at`` is Unix seconds (UTC),
    ``None`` while the clock is unknown: then ``clock.boottime_seconds`` and a later report's ``anchors`` place it."""

    schema: int
    agent: Hex32
    agent_version: Text
    stream: Hex32
    seq: Annotated[int, Meta(ge=1, le=2**62)]
    boot_id: Hex32
    start_at: float | None
    duration_seconds: Annotated[float, Meta(gt=0, le=3600)]
    clock: Clock
    plan: Hex64 | None
    reach: Reach | None = None
    path: Path | None = None
    throughput: Throughput | None = None
    host: Host | None = None
    not_run: list[NotRun] = []
    losses: list[Loss] = []
    anchors: list[Anchor] = []
    simulated: bool = False


KINDS: dict[str, type[Table]] = {"reach": Reach, "path": Path, "throughput": Throughput, "host": Host}


class Sealed(Struct):
    """A report's canonical bytes and the agent's Ed25519 signature (base64) over :func:`signing_input`."""

    signature: Annotated[str, Meta(max_length=128)]
    report: msgspec.Raw


class Push(Struct):
    """The body of ``POST /v1/reports``: up to 50 sealed reports. ``backlog``: older reports left in the spool."""
    request_id: Text
    reports: Annotated[list[Sealed], Meta(min_length=1, max_length=MAX_REPORTS_PER_PUSH)]
    backlog: Count = 0


class Result(Struct):
    """What became of one report of a push."""

    stream: str
    seq: int
    status: Literal["accepted", "duplicate", "rejected"]
    reason: str = ""


class Ack(Struct):
    """The answer to a push, written after the commit; nothing else lets an agent delete anything.
    ``durable_through``: for each stream the highest seq up to which everything is kept."""

    request_id: str
    agent: str
    results: list[Result]
    durable_through: dict[str, int]
    server_at: float
    retry_after_seconds: float = 0.0
    credit: int = 1


class PlanTarget(Struct):
    """One address to ask. ``id`` is the access point's id, or the path target's name."""

    id: Text
    address: Text
    method: Method = "icmp"
    port: int | None = None


class PathTarget(Struct):
    """One rung of the ladder. An empty ``address`` means: the one this device is configured with."""

    rung: Rung
    name: Text
    address: Text = ""
    method: Method = "icmp"
    port: int | None = None
    query: Text = ""


class ThroughputTask(Struct):
    """Bounds of the leased test. ``target``: base URL; empty means the collector."""

    target: Text = ""
    every_seconds: float = 3600.0
    max_bytes: int = 25_000_000
    max_seconds: float = 5.0
    streams: int = 4


class Cadence(Struct):
    """Seconds between sweeps: ``full`` within ``windows`` (Unix seconds, [from, to)) or without any, else ``idle``."""

    full_seconds: float = 60.0
    idle_seconds: float = 300.0
    windows: list[tuple[float, float]] | None = None


class Plan(Struct, omit_defaults=True):
    """What the collector asks one agent to measure; signed by the collector, kept on the agent's disk."""

    schema: int
    agent: Hex32
    campus: Text
    place: Text | None
    issued_at: float
    slot_seconds: int
    report_seconds: int
    reach_count: int
    reach_interval_seconds: float
    access_points: list[PlanTarget]
    paths: list[PathTarget]
    cadence: Cadence
    throughput: ThroughputTask | None = None
    ssids: list[str] = []
    bssids: list[str] = []
    limits: dict[str, float] = {}
    simulated: bool = False


class Signed(Struct):
    """A document signed by the collector's key: plan, lease. ``signature`` is base64 Ed25519."""

    kind: Literal["plan", "lease"]
    signature: str
    document: msgspec.Raw


class EnrollRequest(Struct):
    """``public_key`` and ``proof`` are base64; ``proof`` signs :func:`signing_input` of kind ``enroll`` over the
    token and the public key, so that a stolen token is no use to a device without the key."""

    token: Annotated[str, Meta(max_length=128)]
    public_key: Annotated[str, Meta(max_length=64)]
    proof: Annotated[str, Meta(max_length=128)]
    agent_version: Text
    name: Text = ""
    simulated: bool = False


class EnrollReply(Struct):
    """``collector_key`` (base64 raw Ed25519) is what the agent pins for plans, leases and acknowledgements."""

    agent: str
    campus: str
    state: Literal["pending", "approved"]
    collector_key: str
    server_at: float


class LeaseRequest(Struct):
    """Asks leave for one throughput test."""

    request_id: Text
    max_bytes: Count
    max_seconds: Seconds


class Lease(Struct):
    """Leave for one test. ``granted`` false carries the reason and when to ask again."""

    lease: str
    agent: str
    granted: bool
    not_before_at: float
    expires_at: float
    max_bytes: int
    max_seconds: float
    reason: str = ""


Document = TypeVar("Document", bound=Struct)


def encode(document: Any) -> bytes:
    """Canonical JSON bytes: fields in sorted order, shortest decimals, no spaces, UTF-8."""
    return msgspec.json.encode(document, order="sorted")


def decode(data: bytes, kind: type[Document]) -> Document:
    """One document of the contract. Unknown keys are ignored. Raises WireError with the path to the fault."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        raise WireError(str(fault)) from None


_report = msgspec.json.Decoder(Report)
_OPTIONAL = ("reach", "path", "throughput", "host", "simulated")
_unknown: dict[tuple[object, ...], int] = {}


def decode_report(data: bytes) -> tuple[Report, int]:
    """A report and how many of its keys this version does not know. Raises WireError with the path to the fault."""
    try:
        report = _report.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as fault:
        raise WireError(_unknown_schema(data) or str(fault)) from None
    if report.schema != SCHEMA:
        raise WireError(f"unknown schema {report.schema}: this side reads schema {SCHEMA} - at `$.schema`")
    # Reports of one version with the same parts and as many keys have the same keys: looked at once.
    lists = len(report.not_run), len(report.losses), len(report.anchors)
    shape = (report.agent_version, data.count(b'":'), *(bool(getattr(report, part)) for part in _OPTIONAL), lists)
    if shape not in _unknown and len(_unknown) < 4096:
        _unknown[shape] = _unknown_keys(msgspec.json.decode(data), report)
    return report, _unknown.get(shape, 0)


def _unknown_schema(data: bytes) -> str:
    """A report of a newer schema is refused for that, not for the shape that follows from it."""
    try:
        schema = msgspec.json.decode(data, type=msgspec.defstruct("Versioned", [("schema", int)])).schema  # type: ignore[attr-defined]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    return "" if schema == SCHEMA else f"unknown schema {schema}: this side reads schema {SCHEMA} - at `$.schema`"


def _unknown_keys(raw: Any, typed: Any) -> int:
    if isinstance(typed, Struct) and isinstance(raw, dict):
        known = set(typed.__struct_encode_fields__)
        count = sum(key not in known for key in raw)
        return count + sum(_unknown_keys(raw[k], getattr(typed, k)) for k in known & raw.keys())
    if isinstance(typed, list) and typed and isinstance(typed[0], Struct):
        return sum(_unknown_keys(r, t) for r, t in zip(raw, typed, strict=True))
    return 0


def digest(data: bytes) -> str:
    """SHA-256, 64 hexadecimal characters."""
    return hashlib.sha256(data).hexdigest()


def signing_input(kind: str, data: bytes) -> bytes:
    """The bytes that are signed: a domain, so that no signature serves twice, and the digest of the document."""
    return b"campus-wifi/1/" + kind.encode() + b"\n" + hashlib.sha256(data).digest()


def fingerprint(public_key: bytes) -> str:
    """An agent's id: the first 128 bits of SHA-256 of its raw Ed25519 public key, in hexadecimal."""
    return hashlib.sha256(public_key).hexdigest()[:32]
