"""What the agent on this device is doing: asked of the running agent over loopback, else read from its folder."""

from __future__ import annotations

import http.client
import time
from typing import Any

import msgspec

from agent import enroll
from agent.config import Config

Found = dict[str, Any]


class StatusError(Exception):
    """Nothing can be said. Says where and what to do."""


class _Running(msgspec.Struct):
    pid: int
    port: int


def look(config: Config) -> Found:
    """The status with ``running`` true or false. Raises StatusError."""
    try:
        enrollment = enroll.load(config.data_dir)
    except enroll.EnrollError as fault:
        raise StatusError(str(fault)) from None
    found: Found = {"running": False, "enrolled": enrollment is not None, "data_dir": str(config.data_dir)}
    if enrollment is not None:
        found |= {"agent": enrollment.agent, "campus": enrollment.campus, "collector": enrollment.collector}
    live = _ask(config)
    if live is not None:
        live = {key: value for key, value in live.items() if value is not None or key not in found}
        found |= {"running": True, **live}
    return found


def _ask(config: Config) -> Found | None:
    try:
        running = msgspec.json.decode((config.data_dir / "run.json").read_bytes(), type=_Running)
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=5)
        connection.request("GET", "/status")
        found = msgspec.json.decode(connection.getresponse().read(1 << 20), type=Found)
        # Another program may have taken the port since.
        return found if found.get("pid") == running.pid else None
    except (OSError, http.client.HTTPException, msgspec.MsgspecError):
        return None


def told(found: Found) -> str:
    """The same for people."""
    if not found["enrolled"] and not found["running"]:
        return f"not enrolled ({found['data_dir']}); run `wifi-agent enroll`"
    lines = [
        f"agent      {found.get('agent', '-')}",
        f"campus     {found.get('campus') or '-'}  place {found.get('place') or '-'}",
        f"collector  {found.get('collector', '-')}",
    ]
    if not found["running"]:
        return "\n".join([*lines, "not running; start it with `wifi-agent run`"])
    clock = found["clock"]
    lines.append(f"running    pid {found['pid']} as {found['role']}, clock {clock['state']}")
    plan = found.get("plan")
    lines.append(f"plan       {plan[:12] if plan else 'none yet'}, {found['access_points']} access points")
    if found.get("plan_fault"):
        lines.append(f"           {found['plan_fault']}")
    if spool := found.get("spool"):
        lines.append(
            f"spool      {spool['pending']} waiting, {spool['acknowledged']} acknowledged, {spool['rejected']} set "
            f"aside, {spool['lost']} lost; {spool['bytes'] / 2**20:.1f} of {spool['quota_bytes'] / 2**20:.0f} MiB"
        )
        if spool["fault"]:
            lines.append(f"           {spool['fault']}")
    if push := found.get("push"):
        last = push["last_success_at"]
        ago = f"{max(time.time() - last, 0):.0f} s ago" if last else "never"
        lines.append(f"push       {push['state']}, last acknowledged {ago}{_why(push['reason'])}")
    for name, last in sorted(found.get("probes", {}).items()):
        lines.append(
            f"{name:<10} {last['result']}, {last['rows']} rows in {last['seconds']:.2f} s{_why(last['reason'])}"
        )
    return "\n".join(lines)


def _why(reason: str) -> str:
    return f" ({reason})" if reason else ""
