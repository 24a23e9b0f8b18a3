"""What was said of a room: when it was noticed, and whether an operator has seen the words"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("room_report") as table:
        table.add_column(sa.Column("noticed_at", sa.Float(precision=53), nullable=True))
        table.add_column(sa.Column("review", sa.String(length=16), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("room_report") as table:
        table.drop_column("review")
        table.drop_column("noticed_at")
