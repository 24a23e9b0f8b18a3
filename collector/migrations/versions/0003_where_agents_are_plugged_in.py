"""Where agents are plugged in: what their reports tell of it, and who confirmed a placement"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "surroundings",
        sa.Column("placement", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.String(length=32), nullable=False),
        sa.Column("first_at", sa.Float(precision=53), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("placement", "fingerprint", name=op.f("pk_surroundings")),
    )
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.add_column(sa.Column("surroundings", sa.String(length=32), nullable=True))
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.add_column(sa.Column("confirmed_at", sa.Float(precision=53), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.drop_column("confirmed_at")
    with op.batch_alter_table("evidence", schema=None) as batch_op:
        batch_op.drop_column("surroundings")
    op.drop_table("surroundings")
