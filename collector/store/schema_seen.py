"""Tables of what was seen beside the inventory: campus edges as the collector itself asks them, BSSIDs that nobody
listed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, String, Table

from collector.store.schema_base import INSTANT, metadata

# Campus edges that answered the collector itself: before that their silence says nothing.
edge_answered = Table(
    "edge_answered",
    metadata,
    Column("campus", String(64), primary_key=True),
    Column("address", String(64), primary_key=True),
    Column("first_at", INSTANT, nullable=False),
)

# Slots in which a campus's edge answered none of the collector's own requests, while the collector's line worked.
edge_failure = Table(
    "edge_failure",
    metadata,
    Column("campus", String(64), primary_key=True),
    Column("slot", BigInteger, primary_key=True, autoincrement=False),
    Column("address", String(64), nullable=False),
    Column("requests", Integer, nullable=False),
)

# BSSIDs with a district SSID that the inventory did not list when they were heard. `last_at` is renewed once an hour.
unlisted = Table(
    "unlisted",
    metadata,
    Column("campus", String(64), primary_key=True),
    Column("bssid", String(64), primary_key=True),
    Column("ssid", String(64), nullable=False),
    Column("agent", String(32), nullable=False),
    Column("channel", Integer, nullable=False),
    Column("first_at", INSTANT, nullable=False),
    Column("last_at", INSTANT, nullable=False),
)
