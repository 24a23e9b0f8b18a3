"""The tables of evidence: reports as they came, finished hours joined, and periods in which nothing expires."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from collector.store.schema_base import ID, INSTANT, metadata

# One row a report. `start_at` null: clock unknown, waits for an anchor. `campus` null: waits for a placement.
# `position` numbers evidence in the order in which it was placed: what follows the store (remote write) reads by it.
evidence = Table(
    "evidence",
    metadata,
    Column("id", ID, primary_key=True),
    Column("agent", String(32), nullable=False),
    Column("stream", String(32), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("signature", String(128), nullable=False),
    Column("boot_id", String(32), nullable=False),
    Column("boottime_seconds", INSTANT, nullable=False),
    Column("campus", String(64)),
    Column("start_at", INSTANT),
    Column("end_at", INSTANT),
    Column("slot", BigInteger),
    Column("received_at", INSTANT, nullable=False),
    Column("flag", String(32), nullable=False),
    Column("surroundings", String(32)),
    Column("position", BigInteger),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("agent", "stream", "seq"),
    Index("ix_evidence_campus_start", "campus", "start_at"),
    Index("ix_evidence_agent_start", "agent", "start_at"),
    Index("ix_evidence_position", "position"),
)

# One row a campus, agent, stream and two hours (UTC) of evidence: see collector/compaction/hour.py. `seal` is the
# digest over all other columns but the id.
evidence_hour = Table(
    "evidence_hour",
    metadata,
    Column("id", ID, primary_key=True),
    Column("campus", String(64)),
    Column("agent", String(32), nullable=False),
    Column("stream", String(32), nullable=False),
    Column("reports", Integer, nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("first_at", INSTANT),
    Column("last_at", INSTANT),
    Column("first_position", BigInteger),
    Column("last_position", BigInteger),
    Column("anchors", Boolean, nullable=False),
    Column("expired_at", INSTANT),
    Column("kept_days", Integer),
    Column("seal", String(64), nullable=False),
    Column("index", LargeBinary, nullable=False),
    Column("digests", LargeBinary, nullable=False),
    Column("signatures", LargeBinary),
    Column("body", LargeBinary),
    Index("ix_evidence_hour_campus", "campus", "first_at"),
    Index("ix_evidence_hour_agent", "agent", "first_at"),
    Index("ix_evidence_hour_stream", "agent", "stream", "last_seq"),
    Index("ix_evidence_hour_position", "last_position"),
)

# Evidence of a campus that begins in [from_at, to_at) does not expire until somebody releases the hold.
hold = Table(
    "hold",
    metadata,
    Column("id", ID, primary_key=True),
    Column("campus", String(64), nullable=False, index=True),
    Column("from_day", String(10), nullable=False),
    Column("to_day", String(10), nullable=False),
    Column("from_at", INSTANT, nullable=False),
    Column("to_at", INSTANT, nullable=False),
    Column("reason", Text, nullable=False),
    Column("set_by", String(64), nullable=False),
    Column("set_at", INSTANT, nullable=False),
    Column("released_by", String(64)),
    Column("released_at", INSTANT),
)
