"""802.11 status and reason codes in words (IEEE 802.11-2020, tables 9-50 and 9-49): those that joining meets."""

from __future__ import annotations

_STATUS = {
    1: "unspecified failure",
    10: "capabilities do not match",
    11: "no earlier association found",
    12: "denied for a reason outside the standard",
    13: "authentication algorithm not supported",
    14: "authentication out of sequence",
    15: "challenge failure",
    16: "authentication timed out",
    17: "the access point is full",
    18: "a basic rate is not supported",
    27: "high throughput (HT) is required",
    30: "refused temporarily, try again later",
    31: "protected management frames violated",
    33: "no bandwidth for another station",
    34: "poor channel conditions",
    37: "the request was declined",
    40: "invalid information element",
    41: "group cipher not valid",
    42: "pairwise cipher not valid",
    43: "key management (AKM) not valid",
    45: "RSN capabilities not valid",
    46: "cipher forbidden by policy",
    53: "PMKID not valid",
    72: "RSN element not valid",
    76: "SAE anti-clogging token required",
    77: "SAE group not supported",
    82: "denied, a neighbour is to be used",
}

_REASON = {
    1: "unspecified",
    2: "authentication no longer valid",
    3: "the access point leaves or ends the session",
    4: "inactivity",
    5: "the access point cannot serve more stations",
    6: "class 2 frame without authentication",
    7: "class 3 frame without association",
    8: "the station leaves",
    9: "association without authentication",
    12: "moved by BSS transition management",
    13: "invalid element",
    14: "message integrity failure",
    15: "4-way handshake timed out",
    16: "group key handshake timed out",
    17: "element differs between handshake and beacon",
    18: "group cipher not valid",
    19: "pairwise cipher not valid",
    20: "key management (AKM) not valid",
    22: "RSN capabilities not valid",
    23: "802.1X authentication failed",
    24: "cipher refused by policy",
    34: "too many frames lost",
    45: "peer does not support the cipher",
    46: "no more authorised access",
}


def said_status(code: int | None) -> str:
    """A status code, as in an authentication or association response."""
    return _said(_STATUS, "status", code)


def said_reason(code: int | None) -> str:
    """A reason code, as in a deauthentication or disassociation."""
    return _said(_REASON, "reason", code)


def _said(words: dict[int, str], name: str, code: int | None) -> str:
    if code is None:
        return f"no {name} given"
    return f"{words.get(code, 'not among the known ones')} ({name} {code})"
