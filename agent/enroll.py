"""Enrollment: a join string goes in, a device that the collector knows comes out.

The key is on disk before the token is used, and asking again with the same key is harmless, so a lost answer never
burns a token.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from agent import wire
from agent.authority import NotShown, pinned_certificate
from agent.clock import Clock
from agent.identity import Identity, write_durably
from agent.push import Refused, Unreachable
from agent.transport import Transport, client

IDENTITY = "identity.key"
ENROLLMENT = "enrollment.json"
AUTHORITY = "collector-ca.pem"


class EnrollError(Exception):
    """Says what, where and what to do. ``usage``: the join string itself is wrong."""

    def __init__(self, text: str, *, usage: bool = False) -> None:
        super().__init__(text)
        self.usage = usage


class Join(NamedTuple):
    """What a join string says."""

    token: str
    url: str
    host: str
    port: int
    pin: str


class Enrollment(msgspec.Struct):
    """What the device keeps. ``collector_key`` is pinned for plans, leases and acknowledgements."""

    collector: str
    agent: str
    campus: str
    state: str
    collector_key: str
    enrolled_at: float
    own_authority: bool = False

    def key(self) -> bytes:
        return base64.b64decode(self.collector_key)


def parse(text: str) -> Join:
    """A join string, as ``wifi-collector token create`` printed it. Raises EnrollError; never repeats the token."""
    shape = "campuswifi://TOKEN@HOST:PORT?ca=PIN&tls=1"
    try:
        parts = urlsplit(text.strip())
        port = parts.port
        query = parse_qs(parts.query)
    except ValueError:
        raise EnrollError(f"the join string is damaged; it looks like {shape}", usage=True) from None
    if parts.scheme != "campuswifi" or not parts.username or not parts.hostname:
        raise EnrollError(f"this is not a join string; it looks like {shape}", usage=True)
    tls = query.get("tls", ["1"])[0] != "0"
    pin = query.get("ca", [""])[0]
    if pin and not re.fullmatch("[0-9a-fA-F]{64}", pin):
        raise EnrollError("the join string's `ca` is not 64 hexadecimal characters; copy it whole", usage=True)
    port = port or (443 if tls else 80)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Join(parts.username, f"{'https' if tls else 'http'}://{host}:{port}", parts.hostname, port, pin)


def load(data_dir: Path) -> Enrollment | None:
    """What an earlier enrollment left, or None. Raises EnrollError where it cannot be read."""
    path = data_dir / ENROLLMENT
    try:
        return msgspec.json.decode(path.read_bytes(), type=Enrollment)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as fault:
        raise EnrollError(f"{path}: {fault}; enroll again with a join string") from None


def authority(data_dir: Path, configured: Path | None, enrollment: Enrollment | None) -> Path | None:
    """The CA file to trust: the configured one, else the pinned one, else None for the system's."""
    if configured is not None:
        return configured
    return data_dir / AUTHORITY if enrollment is not None and enrollment.own_authority else None


def enroll(
    join: Join,
    data_dir: Path,
    clock: Clock,
    *,
    version: str,
    name: str = "",
    ca_file: Path | None = None,
    simulated: bool = False,
) -> Enrollment:
    """Makes the key if there is none, asks the collector, and keeps its answer. Raises EnrollError."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    identity = Identity.load_or_create(data_dir / IDENTITY)
    own = bool(join.pin) and join.url.startswith("https:") and ca_file is None
    if own:
        try:
            write_durably(data_dir / AUTHORITY, pinned_certificate(join.host, join.port, join.pin).encode())
        except NotShown as fault:
            raise EnrollError(str(fault)) from None
    with client(data_dir / AUTHORITY if own else ca_file, clock) as http:
        transport = Transport(join.url, identity=identity, clock=clock, http=http)
        try:
            reply = transport.enroll(request(identity, join.token, version, name, simulated=simulated))
        except Refused as fault:
            raise EnrollError(f"{join.url} refused: {fault.reason}; ask for a new join string") from None
        except Unreachable as fault:
            raise EnrollError(f"{fault}; check the address and the network, then run the same command again") from None
    if reply.agent != identity.id:
        raise EnrollError(f"{join.url} answered for another key; run the same command again")
    kept = Enrollment(join.url, reply.agent, reply.campus, reply.state, reply.collector_key, round(clock.now(), 3), own)
    if len(kept.key()) != 32:
        raise EnrollError(f"{join.url} gave no usable collector key; is it a campus-wifi collector?")
    write_durably(data_dir / ENROLLMENT, msgspec.json.encode(kept))
    return kept


def give_to_owner(data_dir: Path) -> None:
    """Root enrolls for the user who owns the folder, as whom the agent runs: a key that root alone may read would keep
    that agent from starting."""
    owner = data_dir.stat()
    if os.geteuid() == 0 and owner.st_uid != 0:
        for name in (IDENTITY, ENROLLMENT, AUTHORITY, "clock.json"):
            if (data_dir / name).exists():
                os.chown(data_dir / name, owner.st_uid, owner.st_gid, follow_symlinks=False)


def request(
    identity: Identity, token: str, version: str, name: str = "", *, simulated: bool = False
) -> wire.EnrollRequest:
    """The signed request: proof over the token and the public key."""
    public = base64.b64encode(identity.public_key).decode()
    proof = identity.sign("enroll", token.encode() + b"\n" + identity.public_key)
    return wire.EnrollRequest(token, public, proof, version, name[:64], simulated)


wire.learn(Enrollment)
