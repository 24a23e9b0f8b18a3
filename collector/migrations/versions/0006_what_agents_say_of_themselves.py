"""What the newest report of an agent says of its clock, and how much its spool still holds"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.add_column(sa.Column("clock_state", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("waiting_reports", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("agent", schema=None) as batch_op:
        batch_op.drop_column("waiting_reports")
        batch_op.drop_column("clock_state")
