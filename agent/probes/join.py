"""Join: this device joins a network as a pupil's device does, and leaves it: seconds a stage, or which failed and why.

The stages, each from the end of the one before it: ``scan`` to the choice of an access point; ``authenticate``;
``associate``; ``eap`` (802.1X); ``handshake`` (4-way); ``dhcp`` from the keys to the address, so
with what wpa_supplicant takes to open the port; ``dns`` to the first useful answer of
any server the lease names, all asked at once; ``portal`` a first GET of the page, judged; ``first_byte`` a second GET
to its first byte. They sum to the whole by construction: each begins where the one before it ended.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from msgspec import Struct

from agent import address, dhcp, dns, portal, wire
from agent.association import STAGES, Association, Failed, Stages
from agent.credentials import Credential, CredentialError, find
from agent.elements import band_of
from agent.networks import heard, values
from agent.probes.base import CouldNotRun, Deadline
from agent.probes.figures import boottime
from agent.wpa import Supplicant, SupplicantError

KIND = "join"
_MHZ = 1_000_000
# What a try keeps for leaving the network again.
_LEAVE_SECONDS = 1.0
# A resolver's usual patience, and how often it asks.
_DNS_SECONDS = 5.0
_DNS_ASKED = 2
_PAGE_SECONDS = 10.0
_ANY_NAME = "example.com"


class Settings(Struct, frozen=True):
    """``bssids``: the campus's own. ``frequencies_hertz``: where to look, empty for everywhere the radio can."""

    interface: str
    task: wire.JoinTask
    bssids: Sequence[str] = ()
    credentials: Path | None = None
    frequencies_hertz: Sequence[int] = ()


def probe(settings: Settings, deadline: Deadline) -> wire.Join:
    """One row a try: one, or with ``every_bss`` one for each of the campus's access points heard."""
    try:
        credential = find(settings.task.credential, settings.credentials)
        page = portal.page(settings.task.page) if settings.task.page else None
        mac = address.mac_of(settings.interface)
    except CredentialError as fault:
        raise CouldNotRun(str(fault)[:200], "see `credentials` in agent.toml") from None
    except ValueError as fault:
        raise CouldNotRun(f"page: {fault}", "mend the page in the collector's plan") from None
    except OSError:
        raise CouldNotRun(f"no interface {settings.interface[:20]}", "set join_interface to the radio") from None
    table: dict[str, list[Any]] = {name: [] for name in wire.Join.__struct_fields__}
    try:
        with contextlib.closing(Supplicant(settings.interface)) as supplicant:
            for pin, until in _turns(supplicant, settings, deadline):
                attempt = _Try(supplicant, settings, credential, page, mac, until)
                for name, value in attempt.row(pin).items():
                    table[name].append(value)
    except SupplicantError as fault:
        raise CouldNotRun(fault.reason, fault.hint) from None
    except PermissionError:
        raise CouldNotRun("no permission to join", "run as root, or with CAP_NET_ADMIN and CAP_NET_RAW") from None
    return wire.Join(**table)


def _turns(supplicant: Supplicant, settings: Settings, deadline: Deadline) -> Iterator[tuple[str, float]]:
    """(the BSSID to pin, until when) of each try. Each has its share of what time is left."""
    pins = [""]
    if settings.task.every_bss:
        limit = time.monotonic() + deadline.remaining() / 4
        found = heard(supplicant, settings.task.ssid, settings.frequencies_hertz, limit)
        own = {bssid.lower() for bssid in settings.bssids}
        pins = [bss.bssid for bss in found if bss.bssid in own or not own] or [""]
    for number, pin in enumerate(pins):
        share = deadline.remaining() / (len(pins) - number)
        yield pin, time.monotonic() + max(share - _LEAVE_SECONDS, 0.05)


class _Try:
    """One try to join, from SELECT_NETWORK to the first byte, undone again in any case."""

    def __init__(
        self, supplicant: Supplicant, settings: Settings, credential: Credential, page: portal.Page | None, mac: bytes,
        until: float,
    ) -> None:  # fmt: skip
        self._supplicant, self._settings, self._credential = supplicant, settings, credential
        self._page, self._mac, self._until = page, mac, until
        self._stages = Stages(boottime())
        self._association = Association(
            self._stages,
            secured=credential.kind != "open",
            enterprise=credential.enterprise,
            password=credential.kind in {"psk", "sae"},
        )
        self._lease: dhcp.Lease | None = None
        self._asked: list[Future[dns.Reply]] = []

    def row(self, pin: str) -> dict[str, Any]:
        outcome, reason, code = "ok", None, None
        task, credential = self._settings.task, self._credential
        with ThreadPoolExecutor(8, thread_name_prefix="join dns") as pool:
            number = self._supplicant.add_network(values(task.ssid, credential, pin, self._settings.frequencies_hertz))
            client = dhcp.Client(self._settings.interface, self._mac)
            try:
                self._join(number)
                self._use(client, pool)
            except Failed as fault:
                self._stages.end(boottime())
                outcome, reason, code = self._stages.stage, fault.reason, fault.code
                reason = self._lost() or reason
            finally:
                signal = self._signal()
                self._supplicant.forget(number)
                client.close()
        seconds = {stage: round(took, 6) for stage, took in self._stages.seconds.items()}
        total = round(sum(seconds.values()), 6)
        hertz = (self._association.frequency_megahertz or 0) * _MHZ
        served = [reply for reply in self._asked if reply.done() and _answered(reply.result())]
        return {
            "at": round(self._stages.ended, 6), "duration_seconds": total, "outcome": outcome,
            "reason": reason[:200] if reason else None, "ssid": task.ssid, "bssid": self._association.bssid,
            "method": credential.method, "band": band_of(hertz), "signal_dbm": signal,
            **{f"{stage}_seconds": seconds.get(stage) for stage in STAGES}, "total_seconds": total, "reason_code": code,
            "dhcp_server": self._lease.server if self._lease else None,
            "dns_asked": len(self._asked) if self._asked else None,
            "dns_answered": len(served) if self._asked else None,
        }  # fmt: skip

    def _join(self, number: str) -> None:
        """The radio's part, from the scan to the keys."""
        self._supplicant.ask("BSS_FLUSH 0")
        self._drain()
        self._stages.restart(boottime())
        self._supplicant.ask(f"SELECT_NETWORK {number}")
        while (left := self._until - time.monotonic()) > 0:
            event = self._supplicant.event(left)
            if event is not None and self._association.take(event):
                # It opens the port for data after it said so: until it answers, a first DISCOVER could be lost.
                self._supplicant.ask("PING")
                return
        raise self._association.silence()

    def _use(self, client: dhcp.Client, pool: ThreadPoolExecutor) -> None:
        """What a joined device does next. The lease is taken off and given back whatever happens."""
        interface = self._settings.interface
        self._stages.enter("dhcp", self._stages.ended)
        self._lease = lease = client.obtain(self._left())
        with address.applied(interface, lease):
            try:
                self._stages.enter("dns", boottime())
                there = self._resolve(pool, lease)
                if self._page is not None:
                    self._visit(self._page, there)
                self._stages.end(boottime())
                wait(self._asked, self._left())
            finally:
                dhcp.release(interface, self._mac, lease)

    def _resolve(self, pool: ThreadPoolExecutor, lease: dhcp.Lease) -> str:
        """The page's address by the first server that knows it; without a name to ask for, any answer will do."""
        if not lease.name_servers:
            raise Failed("the lease names no DNS server")
        host = self._page.host if self._page else ""
        literal = bool(host) and host.replace(".", "").isdigit()
        name = _ANY_NAME if literal or not host else host
        self._asked = [pool.submit(self._ask, server, name) for server in lease.name_servers]
        pending, worst = set(self._asked), "no answer"
        while pending:
            done, pending = wait(pending, self._left(), return_when="FIRST_COMPLETED")
            if not done:
                break
            for reply in (one.result() for one in done):
                if literal or not host:
                    if _answered(reply):
                        return host
                elif reply.addresses:
                    return reply.addresses[0]
                worst = reply.reason or f"the answer for {name[:60]} has no address"
        raise Failed(f"{len(self._asked)} DNS server{'s' * (len(self._asked) > 1)} asked: {worst}")

    def _ask(self, server: str, name: str) -> dns.Reply:
        for turn in range(_DNS_ASKED):
            patience = min(_DNS_SECONDS, self._left())
            reply = dns.ask(server, name, patience, interface=self._settings.interface)
            if reply.outcome != "timeout" or turn == _DNS_ASKED - 1 or self._left() <= 0.05:
                break
        return reply

    def _visit(self, page: portal.Page, there: str) -> None:
        self._stages.enter("portal", boottime())
        try:
            answer = portal.get(page, there, self._settings.interface, min(_PAGE_SECONDS, self._left()))
            if why := portal.verdict(page, answer):
                named = ", as the lease says (DHCP option 114)" if self._lease and self._lease.captive_portal else ""
                raise Failed(f"captive portal: {why}{named}")
        except portal.NoAnswer as fault:
            # Without a page nothing is known of a portal: what failed is the page's first byte.
            self._stages.rename("first_byte")
            raise Failed(str(fault)) from None
        self._stages.enter("first_byte", boottime())
        try:
            answer = portal.get(page, there, self._settings.interface, min(_PAGE_SECONDS, self._left()))
        except portal.NoAnswer as fault:
            raise Failed(str(fault)) from None
        self._stages.end(boottime())
        if answer.status >= 400:
            raise Failed(f"{page.host[:60]} answers {answer.status}", answer.status)

    def _left(self) -> float:
        return max(self._until - time.monotonic(), 0.05)

    def _lost(self) -> str | None:
        """That the radio lost the network while its services were asked is the better reason."""
        if self._stages.stage not in ("dhcp", "dns", "portal", "first_byte"):
            return None
        found = None
        while (event := self._supplicant.event(0.0)) is not None:
            try:
                self._association.take(event)
            except Failed as fault:
                found = f"the link was lost: {fault.reason}"
        return found

    def _drain(self) -> None:
        while self._supplicant.event(0.0) is not None:
            pass

    def _signal(self) -> float | None:
        if self._association.bssid is None:
            return None
        with contextlib.suppress(SupplicantError):
            for line in self._supplicant.ask(f"BSS {self._association.bssid} MASK=0x80").splitlines():
                if line.startswith("level="):
                    return float(line.removeprefix("level="))
        return None


def _answered(reply: dns.Reply) -> bool:
    """Any word of the server counts, also that it knows no such name."""
    return reply.outcome not in ("timeout", "send", "refused", "unreachable") or "answered" in reply.reason
