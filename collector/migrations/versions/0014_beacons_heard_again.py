"""When a beacon was heard in the next two stretches; of what was heard before, that is counted from now on"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_INSTANT = sa.Float(precision=53)


def upgrade() -> None:
    op.add_column("heard", sa.Column("second_at", _INSTANT))
    op.add_column("heard", sa.Column("third_at", _INSTANT))
    op.add_column("heard", sa.Column("counted_from", _INSTANT, nullable=False, server_default="0"))
    op.execute(sa.text("UPDATE heard SET counted_from = :now").bindparams(now=time.time()))


def downgrade() -> None:
    for name in ("counted_from", "third_at", "second_at"):
        op.drop_column("heard", name)
