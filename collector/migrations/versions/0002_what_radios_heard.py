"""What radios heard: first beacons, and each room's last measurement of a day"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "coverage",
        sa.Column("campus", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("at", sa.Float(precision=53), nullable=False),
        sa.Column("verdicts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("campus", "place", "day", name=op.f("pk_coverage")),
    )
    op.create_table(
        "heard",
        sa.Column("agent", sa.String(length=32), nullable=False),
        sa.Column("bssid", sa.String(length=64), nullable=False),
        sa.Column("first_at", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("agent", "bssid", name=op.f("pk_heard")),
    )


def downgrade() -> None:
    op.drop_table("heard")
    op.drop_table("coverage")
