"""What agent and collector say to each other beside reports: push and acknowledgement, plan, enrollment, leases."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from agent.wire.document import MAX_REPORTS_PER_PUSH, Count, Hex32, Method, Ratio, Rung, Seconds, Text, learn


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
    """Bounds of the leased test. ``target``: base URL; empty means the collector. ``far_end``: whose it is; unset
    means the collector's."""

    target: Text = ""
    every_seconds: float = 3600.0
    max_bytes: int = 25_000_000
    max_seconds: float = 5.0
    streams: int = 4
    far_end: Literal["collector", "reflector"] | msgspec.UnsetType = msgspec.UNSET


class JoinTask(Struct):
    """One SSID to join. The secret stays on the device: ``credential`` names it there. ``every_bss``: one try at each
    access point heard, in turn. ``page``: an http address whose first byte is awaited."""

    ssid: Text
    credential: Text = ""
    every_seconds: float = 900.0
    every_bss: bool = False
    page: Text = ""


class Cadence(Struct):
    """Seconds between sweeps: ``full`` within ``windows`` (Unix seconds, [from, to)) or without any, else ``idle``."""

    full_seconds: float = 60.0
    idle_seconds: float = 300.0
    windows: list[tuple[float, float]] | None = None


class Plan(Struct, omit_defaults=True):
    """What the collector asks one agent to measure; signed by the collector, kept on the agent's disk. ``ssids``: the
    district's. ``airspace_seconds``: 0 where this agent is not asked to listen."""

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
    join: list[JoinTask] = []
    airspace_seconds: float = 0.0
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


class LeaseRequest(Struct, omit_defaults=True):
    """Asks leave for one throughput test of ``max_bytes`` in each direction. ``air_utilization_ratio``: the channel's,
    where this device has lately heard it."""

    request_id: Text
    max_bytes: Count
    max_seconds: Seconds
    air_utilization_ratio: Ratio | None = None


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


learn(Push, Ack, Plan, Signed, EnrollRequest, EnrollReply, LeaseRequest, Lease)
