"""The way to the collector, rung by rung, and what to ask of the people with the firewall and the switches."""

from __future__ import annotations

import datetime
import os
import socket
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from agent import uplink
from agent.authority import NotShown, shown_chain
from agent.clock import RealClock
from agent.doctor import ntp
from agent.doctor.check import Check
from agent.transport import tls_context

_SECONDS = 5.0
_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_SOON_DAYS = 21


class Asked(NamedTuple):
    """``ca_file``: the authority that alone is trusted, None for the system's. ``ntp``: empty for the configured."""

    host: str
    port: int
    tls: bool
    ca_file: Path | None
    ntp: str


class Way(NamedTuple):
    """What was found, and the lines to hand to others. ``able``: the collector is reached and trusted."""

    able: bool
    checks: list[Check]
    request: list[str]


def asked(url: str, ca_file: Path | None, time_server: str = "") -> Asked:
    """A collector's address as a person writes it. Raises ValueError; PermissionError where the authority is not
    readable."""
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(f"{url!r} is no collector's address; write https://HOST:PORT")
    if ca_file is not None:
        ca_file.open("rb").close()
    tls = parts.scheme == "https"
    return Asked(parts.hostname, parts.port or (443 if tls else 80), tls, ca_file, time_server)


def examine(way: Asked, environment: Mapping[str, str] | None = None) -> Way:
    """Asks each rung once, each within a few seconds."""
    addresses, name = _resolve(way)
    checks = [name, _own(addresses), _proxy(os.environ if environment is None else environment)]
    reached = _connect(way, addresses)
    checks.append(reached)
    trusted = reached.state == "ok"
    if trusted and way.tls:
        tls = _tls(way)
        checks.append(tls)
        trusted = tls.state != "missing"
    servers = [way.ntp] if way.ntp else ntp.servers()
    checks.append(_time(servers))
    return Way(trusted, checks, _request(way, addresses, servers))


def _resolve(way: Asked) -> tuple[list[str], Check]:
    try:
        found = socket.getaddrinfo(way.host, way.port, type=socket.SOCK_STREAM)
    except OSError as fault:
        mend = f"ask for {way.host} in the name server ({', '.join(uplink.name_servers()) or 'none configured'})"
        return [], Check("name", "missing", f"{way.host}: {fault.strerror or fault}", mend)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    return addresses, Check("name", "ok", f"{way.host} is {', '.join(addresses)}")


def _own(addresses: list[str]) -> Check:
    interface, own, mac = _own_end(addresses)
    if not own:
        return Check("own address", "missing", "none that leads there", "check DHCP and `ip route`")
    return Check("own address", "ok", f"{own} on {interface}, MAC {mac}")


def _own_end(addresses: list[str]) -> tuple[str, str, str]:
    """(interface, address, MAC) towards the collector; empty where there is no way."""
    target = next((one for one in addresses if ":" not in one), "192.0.2.1")
    way, own = uplink.route(target), uplink.source(target)
    interface = way.interface if way is not None else "lo" if own and own.startswith("127.") else ""
    file = Path("/sys/class/net", interface, "address")
    return interface, own or "", file.read_text().strip() if interface and file.exists() else "unknown"


def _proxy(environment: Mapping[str, str]) -> Check:
    named = [name for name in _PROXIES if environment.get(name)]
    if not named:
        return Check("proxy", "ok", "none in the environment; the agent goes straight")
    found = f"{named[0]} names {urlsplit(environment[named[0]]).hostname}: the agent does not use it"
    return Check("proxy", "warning", found, "ask for a way past the proxy, as below")


def _connect(way: Asked, addresses: list[str]) -> Check:
    if not addresses:
        return Check("TCP", "missing", "not tried: the name is not known", "mend the name first")
    began = time.monotonic()
    try:
        socket.create_connection((way.host, way.port), _SECONDS).close()
    except TimeoutError:
        mend = "a firewall drops it: ask for what stands below"
        return Check("TCP", "missing", f"port {way.port}: no answer in {_SECONDS:g} s", mend)
    except OSError as fault:
        mend = f"is the collector running? On its machine: `ss -ltn sport = :{way.port}`"
        return Check("TCP", "missing", f"port {way.port}: {fault.strerror or fault}", mend)
    return Check("TCP", "ok", f"port {way.port} answers in {(time.monotonic() - began) * 1000:.1f} ms")


def _tls(way: Asked) -> Check:
    try:
        leaf = x509.load_der_x509_certificate(shown_chain(way.host, way.port, _SECONDS)[0])
    except (NotShown, IndexError, ValueError) as fault:
        return Check("TLS", "missing", f"no certificate is shown: {fault}", "does this port speak TLS?")
    ends = leaf.not_valid_after_utc
    said = f"{_common_name(leaf.subject)}, issued by {_common_name(leaf.issuer)}, until {ends:%Y-%m-%d}"
    if (distrust := _distrust(way)) is not None:
        return _not_trusted(way, said, distrust)
    days = (ends - datetime.datetime.now(datetime.UTC)).days
    if days < _SOON_DAYS:
        return Check("TLS", "warning", f"{said}: {days} days left", "renew it on the collector")
    return Check("TLS", "ok", f"{said}; trusted by {way.ca_file or 'the system'}")


def _distrust(way: Asked) -> ssl.SSLCertVerificationError | OSError | None:
    """Why the agent itself would not speak with whoever answers; None where it would."""
    context = tls_context(way.ca_file, RealClock())
    try:
        with socket.create_connection((way.host, way.port), _SECONDS) as plain:
            context.wrap_socket(plain, server_hostname=way.host).close()
    except OSError as fault:  # SSLError too
        return fault
    return None


def _not_trusted(way: Asked, said: str, fault: OSError) -> Check:
    why = fault.verify_message if isinstance(fault, ssl.SSLCertVerificationError) else str(fault)
    if way.ca_file is None:
        mend = "enroll with a join string that carries the pin, or set ca_file to the authority that issued it"
        return Check("TLS", "missing", f"{said}: not trusted ({why})", mend)
    pinned = x509.load_pem_x509_certificate(way.ca_file.read_bytes())
    if "hostname" in why.lower() or "ip address" in why.lower() or "expired" in why:
        return Check("TLS", "missing", f"{said}: {why}", "renew the collector's certificate, for this name")
    found = (
        f"{said}: not of the pinned authority {_common_name(pinned.subject)}. Something between opens TLS (a filter "
        f"that inspects), or this is another server ({why})"
    )
    return Check("TLS", "missing", found, "ask for this host to be exempt from TLS inspection, as below")


def _common_name(name: x509.Name) -> str:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in name.get_attributes_for_oid(oid):
            # What a stranger wrote into a certificate is shown to a person: printable, and short.
            return "".join(c if c.isprintable() else "?" for c in str(attribute.value))[:64]
    return "nobody named"


def _time(servers: list[str]) -> Check:
    state = RealClock().reading().state
    if not servers:
        mend = "name one: wifi-agent doctor --collector --ntp HOST; DHCP may hand one out too"
        return Check("NTP", "ok" if state == "synced" else "warning", f"clock {state}, no server configured", mend)
    refused = []
    for server in servers[:3]:
        try:
            told = ntp.ask(server)
        except OSError as fault:
            refused.append(f"{server}: {fault.strerror or fault}")
            continue
        found = f"{server} answers in {told.round_trip_seconds * 1000:.1f} ms, stratum {told.stratum}, "
        found += f"this clock is {-told.offset_seconds:+.3f} s off; clock {state}"
        mend = "" if state == "synced" else "start systemd-timesyncd or chrony"
        return Check("NTP", "ok" if state == "synced" else "warning", found, mend)
    return Check("NTP", "warning", "; ".join(refused), "ask for UDP port 123, as below")


def _request(way: Asked, addresses: list[str], servers: list[str]) -> list[str]:
    _, own, mac = _own_end(addresses)
    place = f"{way.host} ({', '.join(addresses)})" if addresses and addresses != [way.host] else way.host
    lines = [
        f"wired MAC for network access control (MAB): {mac}, now at {own or 'no address'}",
        f"outbound TCP port {way.port} to {place}, nothing inbound",
    ]
    if way.tls:
        lines.append(f"no TLS inspection and no captive portal or proxy in between for {way.host}")
    lines.append(f"outbound UDP port 123 to {', '.join(servers) or 'a time server of yours (and which one it is)'}")
    lines.append(f"DNS: {way.host} must resolve at {', '.join(uplink.name_servers()) or 'the name server DHCP gives'}")
    return lines
