"""The four roles, and what each may do."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """Each may do what those before it may."""

    PUBLIC = 0
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        return self.name.lower()


NAMED = {role.word: role for role in Role if role}
"""The roles that an account or a token can have."""

NOTIFIER = "notifications"
"""What a token has in place of a role that brings Alertmanager's notifications: it does that, and nothing else."""

READ = "read"
REPORT_ROOM = "report a room"
ACT = "act on an incident"
"""Steps, notes and the last word; who may act also reads the notes and names of others."""
REVIEW = "review a room report"
"""Reads what people wrote of a room, and says whether others may."""
SCRAPE = "read the metrics"
AUDIT = "read the audit log"
SELF = "see one's own account"
LEAST = {
    READ: Role.VIEWER,
    REPORT_ROOM: Role.VIEWER,
    SCRAPE: Role.VIEWER,
    SELF: Role.VIEWER,
    ACT: Role.OPERATOR,
    REVIEW: Role.OPERATOR,
    AUDIT: Role.ADMIN,
}
"""The least role that may do it."""
OPEN_WHERE_PUBLIC = frozenset({READ, REPORT_ROOM, SCRAPE})
"""What a collector with a public board lets everybody do."""


def may(role: Role, action: str, *, public: bool) -> bool:
    """``public``: everybody may read this collector's board."""
    return (public and action in OPEN_WHERE_PUBLIC) or role >= LEAST[action]
