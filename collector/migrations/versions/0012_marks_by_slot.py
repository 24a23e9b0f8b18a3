"""Marks are taken newest slot first, also where millions wait after a policy was adopted for days that are over"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_dirty_slot", "dirty", ["slot", "campus"])


def downgrade() -> None:
    op.drop_index("ix_dirty_slot", "dirty")
