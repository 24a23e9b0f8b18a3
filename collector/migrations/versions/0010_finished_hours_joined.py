"""Finished hours of evidence, joined, and periods in which nothing expires"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.Float(precision=53)


def upgrade() -> None:
    op.create_table(
        "evidence_hour",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campus", sa.String(length=64), nullable=True),
        sa.Column("agent", sa.String(length=32), nullable=False),
        sa.Column("stream", sa.String(length=32), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("first_at", _INSTANT, nullable=True),
        sa.Column("last_at", _INSTANT, nullable=True),
        sa.Column("first_position", sa.BigInteger(), nullable=True),
        sa.Column("last_position", sa.BigInteger(), nullable=True),
        sa.Column("anchors", sa.Boolean(), nullable=False),
        sa.Column("expired_at", _INSTANT, nullable=True),
        sa.Column("kept_days", sa.Integer(), nullable=True),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("index", sa.LargeBinary(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.Column("signatures", sa.LargeBinary(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_hour")),
    )
    op.create_index("ix_evidence_hour_campus", "evidence_hour", ["campus", "first_at"])
    op.create_index("ix_evidence_hour_agent", "evidence_hour", ["agent", "first_at"])
    op.create_index("ix_evidence_hour_stream", "evidence_hour", ["agent", "stream", "last_seq"])
    op.create_index("ix_evidence_hour_position", "evidence_hour", ["last_position"])
    op.create_table(
        "hold",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campus", sa.String(length=64), nullable=False),
        sa.Column("from_day", sa.String(length=10), nullable=False),
        sa.Column("to_day", sa.String(length=10), nullable=False),
        sa.Column("from_at", _INSTANT, nullable=False),
        sa.Column("to_at", _INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("set_by", sa.String(length=64), nullable=False),
        sa.Column("set_at", _INSTANT, nullable=False),
        sa.Column("released_by", sa.String(length=64), nullable=True),
        sa.Column("released_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
    )
    op.create_index(op.f("ix_hold_campus"), "hold", ["campus"])


def downgrade() -> None:
    """Refused where hours are joined: their reports stand nowhere else."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM evidence_hour")):
        raise RuntimeError("joined evidence cannot be taken apart by a migration; restore a backup of that version")
    for name in ("hold", "evidence_hour"):
        op.drop_table(name)
