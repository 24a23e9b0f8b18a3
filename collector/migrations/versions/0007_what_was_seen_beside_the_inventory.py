"""Campus edges as the collector asks them, and BSSIDs of a district SSID that nobody listed"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INSTANT = sa.Float(precision=53)


def upgrade() -> None:
    op.create_table(
        "edge_answered",
        sa.Column("campus", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("first_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("campus", "address", name=op.f("pk_edge_answered")),
    )
    op.create_table(
        "edge_failure",
        sa.Column("campus", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("campus", "slot", name=op.f("pk_edge_failure")),
    )
    op.create_table(
        "unlisted",
        sa.Column("campus", sa.String(length=64), nullable=False),
        sa.Column("bssid", sa.String(length=64), nullable=False),
        sa.Column("ssid", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.Integer(), nullable=False),
        sa.Column("first_at", _INSTANT, nullable=False),
        sa.Column("last_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("campus", "bssid", name=op.f("pk_unlisted")),
    )


def downgrade() -> None:
    for name in ("unlisted", "edge_failure", "edge_answered"):
        op.drop_table(name)
