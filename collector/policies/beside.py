"""Policies side by side: two or more go in, each criterion with what it says in each of them comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from collector.policies.terms import Criterion, Policy

_WORDS = frozenset({"title", "author", "reason", "source"})
"""What explains a criterion; the rest of it decides verdicts."""


class Line(Struct, frozen=True):
    """One criterion; ``said``: what each policy says of it, None where it says nothing. ``differs``: the keys in which
    they decide otherwise."""

    id: str
    said: tuple[Criterion | None, ...]
    differs: tuple[str, ...]


def beside(policies: Sequence[Policy]) -> list[Line]:
    """In the order of the first policy; what only later ones ask for comes after it."""
    known = [{one.id: one for one in policy.criteria} for policy in policies]
    lines = []
    for id_ in dict.fromkeys(id_ for criteria in known for id_ in criteria):
        said = tuple(criteria.get(id_) for criteria in known)
        lines.append(Line(id_, said, _differs(said)))
    return lines


def _differs(said: Sequence[Criterion | None]) -> tuple[str, ...]:
    plain = [None if one is None else msgspec.to_builtins(one) for one in said]
    keys = [key for key in Criterion.__struct_fields__ if key not in _WORDS]
    return tuple(key for key in keys if len({repr((one or {}).get(key)) for one in plain}) > 1)


def document(policies: Sequence[Policy]) -> dict[str, Any]:
    """The same for a script."""
    return {
        "policies": [summary(one) for one in policies],
        "criteria": [
            {"id": line.id, "differs": list(line.differs), "said": [msgspec.to_builtins(one) for one in line.said]}
            for line in beside(policies)
        ],
    }


def summary(policy: Policy) -> dict[str, Any]:
    """A policy without its criteria."""
    whole: dict[str, Any] = msgspec.to_builtins(policy)
    del whole["criteria"]
    return whole | {"name": policy.name, "digest": policy.hash, "proposed": policy.proposed}
