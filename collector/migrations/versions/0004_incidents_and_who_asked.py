"""Incidents with their steps, room reports, and who asked for planned work"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.Float(precision=53)


def upgrade() -> None:
    with op.batch_alter_table("exclusion") as table:
        table.add_column(sa.Column("requested_by", sa.String(length=64), nullable=False, server_default=""))
        table.add_column(sa.Column("requested_at", _INSTANT, nullable=False, server_default="0"))
        table.alter_column("approved_by", existing_type=sa.String(length=64), nullable=True)
        table.alter_column("approved_at", existing_type=_INSTANT, nullable=True)
    op.execute("UPDATE exclusion SET requested_at = approved_at")
    with op.batch_alter_table("exclusion") as table:
        table.alter_column("requested_by", existing_type=sa.String(length=64), server_default=None)
        table.alter_column("requested_at", existing_type=_INSTANT, server_default=None)
        table.create_index("ix_exclusion_campus", ["campus", "from_at"])
    op.create_table(
        "incident",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scope", sa.String(length=80), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("to_at", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("cause_evidence", sa.Text(), nullable=False),
        sa.Column("opened_at", _INSTANT, nullable=False),
        sa.Column("resolution", sa.String(length=16), nullable=False),
        sa.Column("resolution_reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index("ix_incident_scope", "incident", ["scope", "from_at"])
    op.create_table(
        "incident_campus",
        sa.Column("incident", _ID, autoincrement=False, nullable=False),
        sa.Column("campus", sa.String(length=64), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("to_at", sa.BigInteger(), nullable=True),
        sa.Column("lost_seconds", sa.BigInteger(), nullable=False),
        sa.Column("rooms", sa.Text(), nullable=False),
        sa.Column("access_points", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("incident", "campus", name=op.f("pk_incident_campus")),
    )
    op.create_index("ix_incident_campus_campus", "incident_campus", ["campus"])
    op.create_table(
        "incident_step",
        sa.Column("id", _ID, nullable=False),
        sa.Column("incident", _ID, nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_step")),
    )
    op.create_index(op.f("ix_incident_step_incident"), "incident_step", ["incident"])
    op.create_table(
        "room_report",
        sa.Column("id", _ID, nullable=False),
        sa.Column("campus", sa.String(length=64), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("incident", _ID, nullable=True),
        sa.Column("survey_due", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_report")),
    )
    op.create_index("ix_room_report_campus", "room_report", ["campus", "at"])


def downgrade() -> None:
    for name in ("room_report", "incident_step", "incident_campus", "incident"):
        op.drop_table(name)
    with op.batch_alter_table("exclusion") as table:
        table.drop_index("ix_exclusion_campus")
        table.drop_column("requested_at")
        table.drop_column("requested_by")
    op.execute("DELETE FROM exclusion WHERE approved_at IS NULL")
    with op.batch_alter_table("exclusion") as table:
        table.alter_column("approved_by", existing_type=sa.String(length=64), nullable=False)
        table.alter_column("approved_at", existing_type=_INSTANT, nullable=False)
