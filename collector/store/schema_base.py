"""What every table of the collector is made with: the names of its keys, its ids and its instants."""

from __future__ import annotations

from sqlalchemy import BigInteger, Float, Integer, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
ID = BigInteger().with_variant(Integer, "sqlite")
INSTANT = Float(53)
"""Unix seconds (UTC)."""
