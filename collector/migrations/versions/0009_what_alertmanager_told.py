"""What Alertmanager told somebody of a fault"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.Float(precision=53)


def upgrade() -> None:
    op.create_table(
        "notification",
        sa.Column("id", _ID, nullable=False),
        sa.Column("scope", sa.String(length=80), nullable=False),
        sa.Column("alert", sa.String(length=64), nullable=False),
        sa.Column("receiver", sa.String(length=64), nullable=False),
        sa.Column("starts_at", _INSTANT, nullable=False),
        sa.Column("told_at", _INSTANT, nullable=False),
        sa.Column("incident", _ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint(
            "scope",
            "alert",
            "receiver",
            "starts_at",
            name=op.f("uq_notification_scope_alert_receiver_starts_at"),
        ),
    )


def downgrade() -> None:
    op.drop_table("notification")
