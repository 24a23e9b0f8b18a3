"""Every table of the collector. The one place that names columns; the migrations build exactly this (a test compares).

Instants are Unix seconds (UTC), slots are epoch seconds floored to the slot, days are ISO dates of the campus's zone.
Documents that are hashed or signed (evidence, snapshots) are kept byte for byte.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from collector.store.schema_access import account as account  # noqa: PLC0414 - one place to import tables from
from collector.store.schema_access import api_token as api_token  # noqa: PLC0414
from collector.store.schema_access import session as session  # noqa: PLC0414
from collector.store.schema_access import sign_in as sign_in  # noqa: PLC0414
from collector.store.schema_base import ID as _Id
from collector.store.schema_base import INSTANT as _Instant
from collector.store.schema_base import metadata as metadata  # noqa: PLC0414
from collector.store.schema_evidence import evidence as evidence  # noqa: PLC0414
from collector.store.schema_evidence import evidence_hour as evidence_hour  # noqa: PLC0414
from collector.store.schema_evidence import hold as hold  # noqa: PLC0414
from collector.store.schema_seen import edge_answered as edge_answered  # noqa: PLC0414
from collector.store.schema_seen import edge_failure as edge_failure  # noqa: PLC0414
from collector.store.schema_seen import unlisted as unlisted  # noqa: PLC0414

meta = Table("meta", metadata, Column("key", String(64), primary_key=True), Column("value", Text, nullable=False))

# Numbers given out in order. Updating the row orders the transactions that take from it, on PostgreSQL too.
counter = Table(
    "counter", metadata, Column("name", String(32), primary_key=True), Column("value", BigInteger, nullable=False)
)

# Immutable, content-hashed documents with a date from which they hold: inventory, hours, policy.
snapshot = Table(
    "snapshot",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("valid_from", String(10), nullable=False),
    Column("created_at", _Instant, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("ix_snapshot_kind", "kind", "valid_from"),
)

# Enrollment tokens: only the digest is kept. `keys` devices may claim it until `expires_at`.
token = Table(
    "token",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("prefix", String(8), nullable=False),
    Column("campus", String(64), nullable=False),
    Column("place", String(200)),
    Column("keys", Integer, nullable=False),
    Column("claimed", Integer, nullable=False),
    Column("auto_approve", Boolean, nullable=False),
    Column("created_at", _Instant, nullable=False),
    Column("expires_at", _Instant, nullable=False),
    Column("created_by", String(64), nullable=False),
)

# `state`: pending, approved or revoked. The id is the fingerprint of the key. `version` and `clock_state` are those of
# the newest report, `waiting_reports` what the spool still held after the last push.
agent = Table(
    "agent",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("public_key", LargeBinary(32), nullable=False),
    Column("campus", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("name", String(64), nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("version", String(64), nullable=False),
    Column("token", String(64), nullable=False),
    Column("created_at", _Instant, nullable=False),
    Column("approved_at", _Instant),
    Column("revoked_at", _Instant),
    Column("last_seen_at", _Instant),
    Column("clock_state", String(16)),
    Column("waiting_reports", Integer),
)

# Where an agent was, and when: [from_at, to_at). Evidence is joined to the place at the time it was measured.
placement = Table(
    "placement",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("agent", String(32), nullable=False, index=True),
    Column("campus", String(64), nullable=False, index=True),
    Column("place", String(200)),
    Column("from_at", _Instant, nullable=False),
    Column("to_at", _Instant),
    Column("set_by", String(64), nullable=False),
    Column("set_at", _Instant, nullable=False),
    Column("confirmed_at", _Instant),
)

# What reports of a placement told of where the device is plugged in: each fingerprint, when first, in how many reports.
surroundings = Table(
    "surroundings",
    metadata,
    Column("placement", BigInteger, primary_key=True, autoincrement=False),
    Column("fingerprint", String(32), primary_key=True),
    Column("first_at", _Instant, nullable=False),
    Column("reports", Integer, nullable=False),
)

# For each stream everything up to `through` is kept, or known to be lost.
stream = Table(
    "stream",
    metadata,
    Column("agent", String(32), primary_key=True),
    Column("stream", String(32), primary_key=True),
    Column("through", BigInteger, nullable=False),
    Column("boot_id", String(32), nullable=False),
    Column("last_at", _Instant, nullable=False),
)

# What an agent says it had and gave up.
loss = Table(
    "loss",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("agent", String(32), nullable=False),
    Column("stream", String(32), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("reason", String(200), nullable=False),
    Column("from_at", _Instant),
    Column("to_at", _Instant),
    Column("received_at", _Instant, nullable=False),
    UniqueConstraint("agent", "stream", "kind", "first_seq", "last_seq"),
)

anchor = Table(
    "anchor",
    metadata,
    Column("agent", String(32), primary_key=True),
    Column("boot_id", String(32), primary_key=True),
    Column("offset_seconds", _Instant, nullable=False),
    Column("error_seconds", _Instant),
    Column("received_at", _Instant, nullable=False),
)

# Campus slots to judge (again). `mark` grows with each reason: who judged removes the row only with the mark it read.
dirty = Table(
    "dirty",
    metadata,
    Column("campus", String(64), primary_key=True),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("mark", BigInteger, nullable=False),
    Column("reason", String(64), nullable=False),
    Index("ix_dirty_slot", "slot", "campus"),
)

# One row a campus, local day and revision. `chain` is the digest over the row and the chain of the row before it.
ledger = Table(
    "ledger",
    metadata,
    Column("campus", String(64), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("written_at", _Instant, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("policy", String(64), nullable=False),
    Column("inventory", String(64), nullable=False),
    Column("hours", String(64), nullable=False),
    Column("evidence", String(64), nullable=False),
    Column("strip", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("sealed_order", BigInteger),
    Column("chain", String(64), nullable=False),
    Index("ix_ledger_day", "day"),
    Index("ix_ledger_sealed_order", "sealed_order"),
)

# What answers add up of the ledger's newest revision of each day, without reading its body (see collector/commitment).
# Ordered by day: a period of a whole district lies in one piece.
day_sums = Table(
    "day_sums",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("campus", String(64), primary_key=True),
    *(
        Column(f"{verdict}_{unit}", Integer, nullable=False)
        for unit in ("slots", "seconds")
        for verdict in ("met", "short", "unknown")
    ),
    Column("day_verdict", String(8)),
    Column("revision", Integer, nullable=False),
    Column("more", Text, nullable=False),
    Index("ix_day_sums_campus", "campus", "day"),
    sqlite_with_rowid=False,
)

slot_change = Table(
    "slot_change",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("campus", String(64), nullable=False),
    Column("day", String(10), nullable=False),
    Column("slot", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("old", String(16), nullable=False),
    Column("new", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("at", _Instant, nullable=False),
    Index("ix_slot_change_campus", "campus", "day"),
)

# When an access point first answered an agent: before that its silence says "not reachable from here", never "down".
answered = Table(
    "answered",
    metadata,
    Column("agent", String(32), primary_key=True),
    Column("access_point", String(64), primary_key=True),
    Column("first_at", _Instant, nullable=False),
)

# When an agent first heard a listed BSSID's beacon: before that its absence is no sign of a fault. `second_at`,
# `third_at`: the same of the next two stretches in which it did, of what was measured since `counted_from`.
heard = Table(
    "heard",
    metadata,
    Column("agent", String(32), primary_key=True),
    Column("bssid", String(64), primary_key=True),
    Column("first_at", _Instant, nullable=False),
    Column("second_at", _Instant),
    Column("third_at", _Instant),
    Column("counted_from", _Instant, nullable=False, server_default="0"),
)

# Each room's last radio measurement of a day, as the ledger's row of that day holds it: coverage is read by room.
coverage = Table(
    "coverage",
    metadata,
    Column("campus", String(64), primary_key=True),
    Column("place", String(200), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("at", _Instant, nullable=False),
    Column("verdicts", Text, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("lease", String(64), primary_key=True),
    Column("agent", String(32), nullable=False),
    Column("campus", String(64), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("granted_at", _Instant, nullable=False),
    Column("expires_at", _Instant, nullable=False),
    Column("max_bytes", BigInteger, nullable=False),
    Index("ix_lease_campus", "campus", "granted_at"),
)

# Planned work that a person asked for; it counts from the moment on in which another person approved it, and no more
# once somebody withdrew it. A row is never deleted.
exclusion = Table(
    "exclusion",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("campus", String(64), nullable=False),
    Column("from_at", _Instant, nullable=False),
    Column("to_at", _Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", String(64), nullable=False),
    Column("requested_at", _Instant, nullable=False),
    Column("approved_by", String(64)),
    Column("approved_at", _Instant),
    Column("withdrawn_by", String(64)),
    Column("withdrawn_at", _Instant),
    Column("withdrawn_reason", Text),
    Index("ix_exclusion_campus", "campus", "from_at"),
)

# One row a fault. `scope`: "campus ID", or "uplink ID" for a fault that campuses share. `to_at` null: it lasts.
# `resolution`: empty, confirmed, false, or disproved by late evidence; a row is never deleted.
incident = Table(
    "incident",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("scope", String(80), nullable=False),
    Column("from_at", BigInteger, nullable=False),
    Column("to_at", BigInteger),
    Column("cause", String(32), nullable=False),
    Column("cause_evidence", Text, nullable=False),
    Column("opened_at", _Instant, nullable=False),
    Column("resolution", String(16), nullable=False),
    Column("resolution_reason", Text, nullable=False),
    Index("ix_incident_scope", "scope", "from_at"),
)

# What an incident cost each of its campuses. `rooms` and `access_points` are JSON lists.
incident_campus = Table(
    "incident_campus",
    metadata,
    Column("incident", _Id, primary_key=True, autoincrement=False),
    Column("campus", String(64), primary_key=True),
    Column("from_at", BigInteger, nullable=False),
    Column("to_at", BigInteger),
    Column("lost_seconds", BigInteger, nullable=False),
    Column("rooms", Text, nullable=False),
    Column("access_points", Text, nullable=False),
    Index("ix_incident_campus_campus", "campus"),
)

# What was done about an incident, in order of writing; a line is never changed.
incident_step = Table(
    "incident_step",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("incident", _Id, nullable=False, index=True),
    Column("step", String(16), nullable=False),
    Column("at", _Instant, nullable=False),
    Column("by", String(64), nullable=False),
    Column("note", Text, nullable=False),
)

# What Alertmanager told somebody of a fault: a page may come before the incident opens, and what became of the fault is
# the alert's precision. `scope` as in `incident`; `incident` null: none is known yet, or none came.
notification = Table(
    "notification",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("scope", String(80), nullable=False),
    Column("alert", String(64), nullable=False),
    Column("receiver", String(64), nullable=False),
    Column("starts_at", _Instant, nullable=False),
    Column("told_at", _Instant, nullable=False),
    Column("incident", _Id),
    UniqueConstraint("scope", "alert", "receiver", "starts_at"),
)

# "My room is bad": somebody's word. It changes no verdict, it asks for a survey of the room. `review`: empty until an
# operator has read the words; only what is `shown` may leave the collector, and of what is `erased` no word is kept.
room_report = Table(
    "room_report",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("campus", String(64), nullable=False),
    Column("place", String(200), nullable=False),
    Column("at", _Instant, nullable=False),
    Column("by", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("incident", _Id),
    Column("survey_due", String(10), nullable=False),
    Column("noticed_at", _Instant),
    Column("review", String(16), nullable=False, server_default=""),
    Index("ix_room_report_campus", "campus", "at"),
)

cursor = Table(
    "cursor", metadata, Column("name", String(64), primary_key=True), Column("position", BigInteger, nullable=False)
)

# `way` and `address`: by which door, and from where, somebody with an account made the change.
audit = Table(
    "audit",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at", _Instant, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("detail", Text, nullable=False),
    Column("chain", String(64), nullable=False),
    Column("way", String(16), nullable=False, server_default=""),
    Column("address", String(64), nullable=False, server_default=""),
)

# Time in which the collector itself was not there to receive.
collector_gap = Table(
    "collector_gap",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("from_at", _Instant, nullable=False),
    Column("to_at", _Instant, nullable=False),
)
