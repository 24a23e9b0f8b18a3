"""An exclusion can be withdrawn: by whom, when and why stays beside it"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exclusion", sa.Column("withdrawn_by", sa.String(length=64)))
    op.add_column("exclusion", sa.Column("withdrawn_at", sa.Float(precision=53)))
    op.add_column("exclusion", sa.Column("withdrawn_reason", sa.Text()))


def downgrade() -> None:
    # What was withdrawn counts no more: without these columns it would count again.
    op.execute("DELETE FROM exclusion WHERE withdrawn_at IS NOT NULL")
    with op.batch_alter_table("exclusion") as table:
        for column in ("withdrawn_reason", "withdrawn_at", "withdrawn_by"):
            table.drop_column(column)
