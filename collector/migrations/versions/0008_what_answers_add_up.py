"""What answers add up of each day, beside the ledger; made here of the rows that stand already"""

import sqlalchemy as sa
from alembic import op

from collector.store import day_sums

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "day_sums",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("campus", sa.String(length=64), nullable=False),
        *(
            sa.Column(f"{verdict}_{unit}", sa.Integer(), nullable=False)
            for unit in ("slots", "seconds")
            for verdict in ("met", "short", "unknown")
        ),
        sa.Column("day_verdict", sa.String(length=8), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("more", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("day", "campus", name=op.f("pk_day_sums")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_day_sums_campus", "day_sums", ["campus", "day"])
    op.create_index("ix_ledger_sealed_order", "ledger", ["sealed_order"])
    day_sums.rebuild(op.get_bind(), write=True)


def downgrade() -> None:
    op.drop_index("ix_ledger_sealed_order", "ledger")
    op.drop_table("day_sums")
