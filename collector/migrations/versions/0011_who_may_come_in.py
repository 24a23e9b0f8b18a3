"""Who may come in, and by which way a change was made"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INSTANT = sa.Float(precision=53)


def _at(name: str, *, nullable: bool = False) -> sa.Column[float]:
    return sa.Column(name, _INSTANT, nullable=nullable)


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=False)


def upgrade() -> None:
    op.add_column("audit", sa.Column("way", sa.String(length=16), nullable=False, server_default=""))
    op.add_column("audit", sa.Column("address", sa.String(length=64), nullable=False, server_default=""))
    op.create_table(
        "account",
        _text("name", 64),
        _text("role", 16),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        _at("created_at"),
        _text("created_by", 64),
        _at("password_at"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_account")),
    )
    op.create_table(
        "session",
        _text("digest", 64),
        _text("name", 64),
        _text("way", 16),
        _text("role", 16),
        _at("created_at"),
        _at("seen_at"),
        _at("expires_at"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_name"), "session", ["name"])
    op.create_table(
        "api_token",
        _text("digest", 64),
        _text("prefix", 12),
        _text("name", 64),
        _text("role", 16),
        _at("created_at"),
        _text("created_by", 64),
        _at("expires_at"),
        _at("revoked_at", nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_api_token")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_token_prefix")),
    )
    op.create_table(
        "sign_in",
        _text("state", 64),
        _text("browser", 64),
        _text("nonce", 64),
        _text("verifier", 128),
        sa.Column("next", sa.Text(), nullable=False),
        _at("expires_at"),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_sign_in")),
    )


def downgrade() -> None:
    for table in ("sign_in", "api_token", "session", "account"):
        op.drop_table(table)
    with op.batch_alter_table("audit") as audit:
        audit.drop_column("address")
        audit.drop_column("way")
