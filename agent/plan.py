"""The plan in force: signed bytes from the collector go in, a verified plan comes out, and stays on disk for a start
without WAN."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from agent import wire
from agent.identity import verify, write_durably

FILE = "plan.json"


class PlanError(Exception):
    """These bytes are not a plan for this agent by this collector."""


class InForce(NamedTuple):
    """``digest`` travels in every report, so that "not asked" differs from "no answer"; it is also the ETag."""

    plan: wire.Plan
    digest: str


def verified(signed: bytes, collector_key: bytes, agent_id: str) -> InForce:
    """The plan within, if the pinned key signed it for this agent. Raises PlanError."""
    try:
        envelope = wire.decode(signed, wire.Signed)
        document = bytes(envelope.document)
        if envelope.kind != "plan" or not verify(collector_key, "plan", document, envelope.signature):
            raise PlanError("a plan that our collector did not sign")
        plan = wire.decode(document, wire.Plan)
    except wire.WireError as fault:
        raise PlanError(f"a plan of the wrong shape: {fault.reason}") from None
    if plan.schema != wire.SCHEMA:
        raise PlanError(f"a plan of schema {plan.schema}; this agent reads {wire.SCHEMA}: upgrade the agent")
    if plan.agent != agent_id:
        raise PlanError(f"a plan for another agent ({plan.agent})")
    if plan.report_seconds <= 0 or plan.cadence.full_seconds <= 0 or plan.cadence.idle_seconds <= 0:
        raise PlanError("a plan whose intervals are not positive")
    return InForce(plan, wire.digest(document))


class PlanKeeper:
    """Keeps the last good plan in one file. A damaged file is as none: the collector is asked anew."""

    def __init__(self, path: Path, collector_key: bytes, agent_id: str) -> None:
        self._path = path
        self._collector_key = collector_key
        self._agent_id = agent_id
        self.in_force: InForce | None = None
        self.signed: bytes | None = None

    def load(self) -> InForce | None:
        """The plan of the last run, if it is still whole and ours."""
        try:
            signed = self._path.read_bytes()
            self.in_force = verified(signed, self._collector_key, self._agent_id)
            self.signed = signed
        except (OSError, PlanError):
            self.in_force = None
        return self.in_force

    def take(self, signed: bytes) -> bool:
        """Whether this is another plan than before. Raises PlanError; then the old one stays in force."""
        fresh = verified(signed, self._collector_key, self._agent_id)
        if self.in_force is not None and fresh.digest == self.in_force.digest:
            return False
        self.in_force, self.signed = fresh, signed
        try:
            write_durably(self._path, signed)
        except OSError:
            # A full disk keeps no plan, but it is no reason not to follow it.
            return True
        return True
