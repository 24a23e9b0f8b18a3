"""A network in wpa_supplicant's words: what SET_NETWORK takes for an SSID and a credential, and who advertises it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from agent.credentials import Credential
from agent.wpa import Supplicant

# BSSID, level, SSID and id: all that is asked of each BSS.
_MASK = "0x1083"
_MOST = 500


class Bss(NamedTuple):
    """One access point's radio that advertises the SSID asked for."""

    bssid: str
    signal_dbm: float


def values(ssid: str, credential: Credential, bssid: str, frequencies_hertz: Sequence[int]) -> dict[str, str]:
    """The keys of one network. Where ``bssid`` is given it joins nowhere else."""
    found = {"ssid": ssid.encode().hex(), "scan_ssid": "1"}
    if bssid:
        found["bssid"] = bssid
    if frequencies_hertz:
        found["scan_freq"] = " ".join(str(hertz // 1_000_000) for hertz in frequencies_hertz)
    return found | _security(credential)


def _security(credential: Credential) -> dict[str, str]:
    if credential.kind == "open":
        return {"key_mgmt": "NONE"}
    if credential.kind == "owe":
        return {"key_mgmt": "OWE", "ieee80211w": "2"}
    if credential.kind == "psk":
        key = credential.password if len(credential.password) == 64 else f'"{credential.password}"'
        return {"key_mgmt": "WPA-PSK WPA-PSK-SHA256", "ieee80211w": "1", "psk": key}
    if credential.kind == "sae":
        return {"key_mgmt": "SAE", "ieee80211w": "2", "sae_password": f'"{credential.password}"'}
    eap = {
        "key_mgmt": "WPA-EAP WPA-EAP-SHA256",
        "ieee80211w": "1",
        "eap": credential.kind.upper(),
        "identity": f'"{credential.identity}"',
        "ca_cert": f'"{credential.ca_cert}"',
    }
    if credential.domain:
        eap["domain_suffix_match"] = f'"{credential.domain}"'
    if credential.kind == "tls":
        eap |= {"client_cert": f'"{credential.client_cert}"', "private_key": f'"{credential.private_key}"'}
        if credential.private_key_password:
            eap["private_key_passwd"] = f'"{credential.private_key_password}"'
        return eap
    if credential.anonymous_identity:
        eap["anonymous_identity"] = f'"{credential.anonymous_identity}"'
    return eap | {"password": f'"{credential.password}"', "phase2": '"auth=MSCHAPV2"'}


def heard(supplicant: Supplicant, ssid: str, frequencies_hertz: Sequence[int], until: float) -> list[Bss]:
    """Who advertises ``ssid`` in one scan that ends before ``until`` (monotonic), the strongest first. All others are
    dropped where they are read."""
    supplicant.ask("BSS_FLUSH 0")
    where = ",".join(str(hertz // 1_000_000) for hertz in frequencies_hertz)
    supplicant.ask(f"SCAN{f' freq={where}' if where else ''} ssid {ssid.encode().hex()}")
    while (left := until - time.monotonic()) > 0:
        event = supplicant.event(left)
        if event is not None and event.text.startswith("CTRL-EVENT-SCAN-RESULTS"):
            break
    found, asked = [], f"BSS FIRST MASK={_MASK}"
    for _ in range(_MOST):
        fields = dict(line.split("=", 1) for line in supplicant.ask(asked).splitlines() if "=" in line)
        if "id" not in fields:
            break
        if fields.get("ssid") == _escaped(ssid):
            found.append(Bss(fields["bssid"].lower(), float(fields.get("level", "-100"))))
        asked = f"BSS NEXT-{fields['id']} MASK={_MASK}"
    return sorted(found, key=lambda bss: -bss.signal_dbm)


def _escaped(ssid: str) -> str:
    """As wpa_supplicant prints an SSID."""
    special = {0x22: '\\"', 0x5C: "\\\\", 0x1B: "\\e", 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t"}
    return "".join(
        special.get(byte) or (chr(byte) if 32 <= byte <= 126 else f"\\x{byte:02x}") for byte in ssid.encode()
    )
