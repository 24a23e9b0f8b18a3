"""From wpa_supplicant's events to the stages of joining: events go in, seconds and words for a failure come out.

Pure: no socket and no clock. A stage that is entered again (SAE's second message, another access point) adds to its
seconds, so that the stages always sum to the whole.
"""

from __future__ import annotations

import re

from agent.dot11_words import said_reason, said_status
from agent.wpa import Event

STAGES = ("scan", "authenticate", "associate", "eap", "handshake", "dhcp", "dns", "portal", "first_byte")

_TARGET = re.compile(r"Trying to (authenticate|associate) with ([0-9a-f:]{17})")
_FREQUENCY = re.compile(r"freq=(\d+)")
# 30: "refused temporarily", which the standard itself answers with another try.
_TRY_AGAIN = 30
_WRONG_PASSWORD = "wrong password (PSK mismatch suspected)"  # noqa: S105 - words for a person
_SILENT = {
    "scan": "no access point with this name was heard",
    "authenticate": "the access point did not answer the authentication",
    "associate": "the access point did not answer the association",
    "eap": "802.1X did not end in time: the RADIUS server may be silent",
    "handshake": "the handshake did not end in time",
}


class Failed(Exception):
    """A stage failed. ``code``: the 802.11 status or reason code, or the EAP method's error."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Stages:
    """The stage in which a try stands, and the seconds of each it was in."""

    def __init__(self, at: float) -> None:
        self.began = at
        self.ended = at
        self.stage = "scan"
        self.seconds: dict[str, float] = {"scan": 0.0}

    def restart(self, at: float) -> None:
        """The try begins at ``at``: what was before was making ready."""
        self.began = self.ended = at

    def enter(self, stage: str, at: float) -> None:
        """``stage`` begins at ``at``, and the one before it ends."""
        self.end(at)
        self.stage = stage
        self.seconds.setdefault(stage, 0.0)

    def end(self, at: float) -> None:
        self.seconds[self.stage] += max(at - self.ended, 0.0)
        self.ended = max(at, self.ended)

    def rename(self, stage: str) -> None:
        """The running stage turns out to have been another."""
        self.seconds[stage] = self.seconds.pop(self.stage)
        self.stage = stage


class Association:
    """Follows one try from SELECT_NETWORK to CTRL-EVENT-CONNECTED."""

    def __init__(self, stages: Stages, *, secured: bool, enterprise: bool, password: bool) -> None:
        self.bssid: str | None = None
        self.frequency_megahertz: int | None = None
        self._stages = stages
        self._after_association = "eap" if enterprise else "handshake" if secured else "associate"
        self._password = password
        self._scanned = False
        self._empty_scans = 0
        self._eap_words = ""
        self._eap_code: int | None = None

    def take(self, event: Event) -> bool:
        """Whether this event completes the join. Raises Failed where it ends it."""
        text = event.text
        if found := _TARGET.search(text):
            self._stages.enter(found[1], event.at)
            self.bssid = found[2]
            if frequency := _FREQUENCY.search(text):
                self.frequency_megahertz = int(frequency[1])
        elif text.startswith("Associated with "):
            self._stages.enter(self._after_association, event.at)
        elif text.startswith("CTRL-EVENT-CONNECTED"):
            self._stages.end(event.at)
            return True
        elif text.startswith("CTRL-EVENT-EAP-"):
            self._eap(event)
        elif text.startswith("EAP-MSCHAPV2: failure"):
            self._eap_code = _number("error ", text)
            self._eap_words = "the RADIUS server refused identity or password"
        elif text.startswith(("CTRL-EVENT-SCAN-", "CTRL-EVENT-NETWORK-NOT-FOUND")):
            self._scan(text)
        elif fault := self._refusal(text):
            raise fault
        return False

    def silence(self) -> Failed:
        """What to say where time ran out."""
        return Failed(_SILENT.get(self._stages.stage, "no answer in time"))

    def _scan(self, text: str) -> None:
        if text.startswith("CTRL-EVENT-SCAN-STARTED"):
            if self._stages.stage != "scan":
                # It looks for another access point: the one it had chosen gave no answer.
                raise self.silence()
        elif text.startswith("CTRL-EVENT-SCAN-RESULTS"):
            self._scanned = True
        elif text.startswith("CTRL-EVENT-SCAN-FAILED"):
            raise Failed("the radio could not scan", _number("ret=-", text))
        elif self._scanned:
            # Before the first result it speaks of what it remembers; one scan may miss a beacon.
            self._scanned = False
            self._empty_scans += 1
            if self._empty_scans >= 2:
                raise Failed("no access point with this name and security was heard in two scans")

    def _eap(self, event: Event) -> None:
        text = event.text
        if text.startswith("CTRL-EVENT-EAP-SUCCESS"):
            self._stages.enter("handshake", event.at)
        elif text.startswith("CTRL-EVENT-EAP-TLS-CERT-ERROR"):
            self._eap_code = _number("reason=", text)
            # Only the words: subject and hash are the school's own, and no figure needs them.
            self._eap_words = f"the RADIUS server's certificate: {_quoted('err=', text)}"
        elif text.startswith("CTRL-EVENT-EAP-STATUS") and not self._eap_words:
            if "remote TLS alert" in text:
                self._eap_words = f"the RADIUS server ended TLS: {_quoted('parameter=', text)}"
            elif "local TLS alert" in text:
                self._eap_words = f"TLS with the RADIUS server: {_quoted('parameter=', text)}"
        elif text.startswith("CTRL-EVENT-EAP-FAILURE"):
            self._stages.end(event.at)
            raise Failed(self._eap_words or "the RADIUS server refused this device", self._eap_code)

    def _refusal(self, text: str) -> Failed | None:
        if text.startswith(("CTRL-EVENT-AUTH-REJECT", "CTRL-EVENT-ASSOC-REJECT")):
            code = _number("status_code=", text)
            if code == _TRY_AGAIN:
                return None
            if self._password and "auth_type=3" in text and code == 1:
                return Failed("wrong password (SAE confirm refused)", code)
            return Failed(f"refused: {said_status(code)}", code)
        if text.startswith("CTRL-EVENT-DISCONNECTED"):
            code = _number("reason=", text)
            if self._stages.stage == "scan":
                return None
            if self._stages.stage == "handshake" and self._password and code in {2, 14, 15}:
                return Failed(_WRONG_PASSWORD, code)
            words = self._eap_words if self._stages.stage == "eap" else ""
            return Failed(words or f"disconnected: {said_reason(code)}", code)
        if text.startswith("CTRL-EVENT-SSID-TEMP-DISABLED") and "WRONG_KEY" in text:
            return Failed(_WRONG_PASSWORD)
        if text.startswith("Authentication with ") and "timed out" in text:
            return self.silence()
        return None


def _number(key: str, text: str) -> int | None:
    found = re.search(re.escape(key) + r"(\d+)", text)
    return int(found[1]) if found else None


def _quoted(key: str, text: str) -> str:
    found = re.search(re.escape(key) + "'([^']*)'", text)
    return found[1][:100] if found else "fault"
