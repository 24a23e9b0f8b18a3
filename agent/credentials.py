"""The secrets of the networks to join: a name goes in, a Credential comes out whose repr shows no secret.

They stay on the device: a TOML file of mode 0600 with one table a name, or one TOML file a name among systemd's
credentials (``$CREDENTIALS_DIRECTORY/NAME``). Nothing here logs, and no fault quotes a value.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

# What each kind must have, and what it may have.
_KINDS: dict[str, tuple[set[str], set[str]]] = {
    "open": (set(), set()),
    "owe": (set(), set()),
    "psk": ({"password"}, set()),
    "sae": ({"password"}, set()),
    "peap": ({"identity", "password", "ca_cert"}, {"anonymous_identity", "domain"}),
    "tls": ({"identity", "client_cert", "private_key", "ca_cert"}, {"private_key_password", "domain"}),
}
_METHODS = {
    "open": "open", "owe": "owe", "psk": "wpa2-psk", "sae": "wpa3-sae", "peap": "wpa2-eap-peap", "tls": "wpa2-eap-tls",
}  # fmt: skip


class CredentialError(Exception):
    """A credential that cannot be used. Says the file, the key and the mend, never a value."""


class Credential(Struct, frozen=True):
    """How to join one network. ``domain``: what the RADIUS server's certificate must be issued for. The three files
    are PEM, read by wpa_supplicant itself."""

    kind: str = "open"
    password: str = ""
    identity: str = ""
    anonymous_identity: str = ""
    ca_cert: str = ""
    client_cert: str = ""
    private_key: str = ""
    private_key_password: str = ""
    domain: str = ""

    def __repr__(self) -> str:
        return f"Credential({self.kind})"

    @property
    def method(self) -> str:
        """The method's name on the wire."""
        return _METHODS[self.kind]

    @property
    def enterprise(self) -> bool:
        return self.kind in {"peap", "tls"}


def find(name: str, file: Path | None, environment: Mapping[str, str] | None = None) -> Credential:
    """The credential called ``name``; an empty name is an open network. Raises CredentialError."""
    if not name:
        return Credential()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise CredentialError(f"credential name {name[:40]!r}: write letters, digits, dots, dashes or underscores")
    environment = os.environ if environment is None else environment
    if file is not None:
        tables = _read(file)
        if name in tables:
            return _checked(tables[name], f"{file}: [{name}]")
    if folder := environment.get("CREDENTIALS_DIRECTORY"):
        given = Path(folder, name)
        if given.exists():
            return _checked(_read(given), str(given))
    if file is None:
        raise CredentialError(f"no credential `{name}`: set `credentials` in agent.toml to the file that holds it")
    raise CredentialError(f"{file}: no credential `{name}`; add a table [{name}] with `kind` and its keys")


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode & 0o777
            # systemd shows a unit its credentials through an access list, which looks like the group's right to read.
            shared = 0o077 if file.parent != Path(os.environ.get("CREDENTIALS_DIRECTORY", "")) else 0o007
            if mode & shared:
                raise CredentialError(f"{file}: mode {mode:04o} lets others read secrets; run: chmod 600 {file}")
            return tomllib.load(stream)
    except FileNotFoundError:
        raise CredentialError(f"{file}: no such file; make it with mode 600, one table a network") from None
    except OSError as fault:
        raise CredentialError(f"{file}: cannot be read: {fault.strerror}; check its owner") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # The parser's own words may quote the line, and the line may be a password.
        raise CredentialError(f'{file}: not TOML; write key = "text" lines below [name]') from None


def _checked(table: Any, where: str) -> Credential:
    if not isinstance(table, dict):
        raise CredentialError(f'{where}: not a table; write [name] and below it key = "text" lines')
    kind = table.get("kind")
    if kind not in _KINDS:
        raise CredentialError(f"{where}: `kind` is missing or unknown; write one of {', '.join(_KINDS)}")
    needed, allowed = _KINDS[kind]
    for key, value in table.items():
        if key != "kind" and key not in needed | allowed:
            known = ", ".join(sorted(needed | allowed)) or "no other key"
            raise CredentialError(f"{where}: unknown key `{key}` for kind {kind}; it takes {known}")
        if not isinstance(value, str) or not value or any(ord(letter) < 32 for letter in value):
            raise CredentialError(f"{where}: `{key}` must be text in quotes, on one line and not empty")
    for key in sorted(needed - table.keys()):
        raise CredentialError(f"{where}: `{key}` is missing; kind {kind} needs {', '.join(sorted(needed))}")
    for key in ("ca_cert", "client_cert", "private_key"):
        if key in table and not Path(table[key]).is_file():
            raise CredentialError(f"{where}: `{key}` names a file that is not there; write its whole path")
    if kind == "psk" and not (8 <= len(table["password"].encode()) <= 63 or _is_key(table["password"])):
        raise CredentialError(f"{where}: `password` must have 8 to 63 characters, or be a key of 64 hexadecimal digits")
    return Credential(**table)


def _is_key(password: str) -> bool:
    return re.fullmatch(r"[0-9a-fA-F]{64}", password) is not None
