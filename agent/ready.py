"""May the technician leave? After enrollment a device must still be approved, run, have its plan, and have had a
report acknowledged: each is looked at, and what is missing is named with what to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from agent import enroll, status
from agent.clock import Clock
from agent.config import Config
from agent.identity import Identity
from agent.plan import InForce, PlanError, verified
from agent.push import Refused, Unreachable
from agent.transport import Transport, client

WAIT_SECONDS = 300.0
_LOOK_SECONDS = 1.0
# The collector grants an agent ten requests a minute, and the running agent has the same purse.
_ASK_SECONDS = 15.0
_START = "systemctl start campus-wifi-shipper campus-wifi-prober (or: wifi-agent run)"


class Step(NamedTuple):
    """One thing that must be so before anybody leaves."""

    name: str
    done: bool
    found: str
    mend: str = ""


Ask = Callable[[], InForce]
"""The plan as the collector gives it now; raises Refused, Unreachable or PlanError."""


def ask_with(config: Config, kept: enroll.Enrollment, clock: Clock) -> Ask:
    """Asks the collector with this device's own key, beside the agent that may be running."""
    identity = Identity.load(config.data_dir / enroll.IDENTITY)
    authority = enroll.authority(config.data_dir, config.ca_file, kept)

    def ask() -> InForce:
        with client(authority, clock) as http:
            transport = Transport(
                config.collector or kept.collector,
                identity=identity, clock=clock, http=http, collector_key=kept.key(),
            )  # fmt: skip
            signed = transport.plan(None)
        return verified(signed or b"", kept.key(), identity.id)

    return ask


class Look:
    """Looks at each step; what was once approved and planned is not asked again."""

    def __init__(
        self, config: Config, agent_id: str, ask: Ask, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._config = config
        self._agent_id = agent_id
        self._ask = ask
        self._monotonic = monotonic
        self._ask_at = monotonic()
        self._plan: InForce | None = None
        self._fault: Exception | None = None

    def steps(self) -> list[Step]:
        """Approved, running, planned, heard: in the order in which they come about."""
        if self._plan is None and self._monotonic() >= self._ask_at:
            self._ask_at = self._monotonic() + _ASK_SECONDS
            try:
                self._plan, self._fault = self._ask(), None
            except (Refused, Unreachable, PlanError) as fault:
                self._fault = fault
        approved, planned = self._approved(), self._planned()
        return [approved, *self._running(), planned]

    def _approved(self) -> Step:
        if self._plan is not None:
            return Step("approved", True, f"on campus {self._plan.plan.campus}")
        if isinstance(self._fault, Refused) and self._fault.status in {401, 403}:
            command = f"wifi-collector agents approve {self._agent_id} --place CAMPUS/BUILDING/ROOM"
            return Step("approved", False, self._fault.reason, f"on the collector, the id compared: {command}")
        if isinstance(self._fault, Refused):
            return Step("approved", True, "yes")
        mend = "wifi-agent doctor --collector names what stands between"
        return Step("approved", False, f"not known: {self._fault}", mend)

    def _planned(self) -> Step:
        if self._plan is not None:
            plan = self._plan.plan
            found = (
                f"{self._plan.digest[:12]}: {len(plan.access_points)} access points, room {plan.place or 'not said'}"
            )
            return Step("plan", True, found)
        if isinstance(self._fault, Refused) and self._fault.status not in {401, 403}:
            mend = "on the collector: wifi-collector import campuses, access-points, calendar and bells"
            return Step("plan", False, self._fault.reason, mend)
        return Step("plan", False, "none yet", "comes with approval")

    def _running(self) -> Sequence[Step]:
        found = status.look(self._config)
        push = found.get("push")
        if not found["running"]:
            return (
                Step("running", False, "the agent does not run on this device", _START),
                Step("first report", False, "none yet", "comes within two minutes of the start"),
            )
        running = Step("running", True, f"pid {found['pid']}")
        if push is None:
            return running, Step("first report", False, "only a prober runs here", _START)
        if push["last_success_at"] is not None:
            return running, Step("first report", True, "acknowledged")
        mend = "wait a minute" if push["state"] == "ok" else "wifi-agent doctor --collector names what stands between"
        return running, Step("first report", False, push["reason"] or "not acknowledged yet", mend)


def wait(look: Look, seconds: float, progress: Callable[[str], None]) -> list[Step]:
    """Looks until every step is done or ``seconds`` are over. ``progress`` is told what is still missing."""
    until = time.monotonic() + seconds
    while True:
        steps = look.steps()
        missing = [step.name for step in steps if not step.done]
        left = until - time.monotonic()
        if not missing or left <= 0:
            return steps
        progress(f"waiting for: {', '.join(missing)} ({left:.0f} s left)")
        time.sleep(min(_LOOK_SECONDS, left))


def told(steps: Sequence[Step]) -> str:
    """The end of `wifi-agent enroll` for a person."""
    lines = [f"{'ok     ' if step.done else 'missing'}  {step.name:<13} {step.found}" for step in steps]
    missing = [step for step in steps if not step.done]
    if not missing:
        return "\n".join([*lines, "You can leave: this device measures and is heard."])
    lines.append("Do not leave yet:")
    return "\n".join(lines + [f"  {step.name}: {step.mend}" for step in missing])
