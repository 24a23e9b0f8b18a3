"""The tables ``[oidc]`` and ``[proxy]`` of collector.toml: plain values go in, checked ones come out."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from collector.access.roles import NAMED, Role

Network = IPv4Network | IPv6Network


class Oidc(Struct, frozen=True):
    """The district's identity provider. ``roles``: the role of each group; of several the highest. Without
    ``client_secret_file`` the client is public, and PKCE alone protects the code."""

    issuer: str
    client_id: str
    roles: dict[str, Role]
    client_secret_file: Path | None = None
    groups_claim: str = "groups"
    name_claim: str = "preferred_username"
    scopes: str = "openid profile email"


class Proxy(Struct, frozen=True):
    """A proxy in front. Only from ``addresses`` is it believed: of the sender's address, and, where ``roles`` gives
    groups a role, of who the sender is."""

    addresses: tuple[Network, ...]
    roles: dict[str, Role] = {}
    user_header: str = "X-Forwarded-User"
    groups_header: str = "X-Forwarded-Groups"

    def is_at(self, address: str) -> bool:
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        return any(peer in network for network in self.addresses)


def oidc(value: Any) -> Oidc:
    """Raises ValueError with the mend."""
    given = _table(value, Oidc, ("issuer", "client_id", "roles"))
    texts = {key: _text(given, key) for key in given if key not in ("roles", "client_secret_file")}
    if not is_safe(texts["issuer"]):
        raise ValueError(f"issuer {texts['issuer']!r} is no https address; write the provider's own: https://HOST/PATH")
    if "openid" not in texts.get("scopes", "openid").split():
        raise ValueError("scopes has no openid; write them with it: openid profile email groups")
    file = Path(_text(given, "client_secret_file")) if "client_secret_file" in given else None
    return Oidc(roles=_roles(given["roles"]), client_secret_file=file, **texts)


def proxy(value: Any) -> Proxy:
    """Raises ValueError with the mend."""
    given = _table(value, Proxy, ("addresses",))
    listed = given["addresses"]
    if not isinstance(listed, list) or not listed:
        raise ValueError('addresses is empty; name the proxy: addresses = ["10.0.0.5"]')
    try:
        addresses = tuple(ip_network(one) for one in listed)
    except ValueError as fault:
        raise ValueError(f'addresses: {fault}; write addresses or networks: ["10.0.0.5", "10.1.0.0/24"]') from None
    if any(one.prefixlen == 0 for one in addresses):
        raise ValueError("addresses holds every address there is; name the proxy alone")
    texts = {key: _text(given, key) for key in ("user_header", "groups_header") if key in given}
    return Proxy(addresses=addresses, roles=_roles(given["roles"]) if "roles" in given else {}, **texts)


def is_safe(url: Any) -> bool:
    """Whether nobody on the way can read or change what is asked of it."""
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")


def highest(roles: dict[str, Role], groups: list[str]) -> Role:
    """PUBLIC where none of the groups has a role."""
    return max((roles[one] for one in groups if one in roles), default=Role.PUBLIC)


def _table(value: Any, kind: type[Struct], needed: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("is a table of its own; see the README")
    if unknown := sorted(set(value) - set(kind.__struct_fields__)):
        raise ValueError(f"unknown key {unknown[0]!r}; known keys: {', '.join(kind.__struct_fields__)}")
    if missing := [key for key in needed if key not in value]:
        raise ValueError(f"{missing[0]} is missing")
    return value


def _text(given: dict[str, Any], key: str) -> str:
    value = given[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f'{key} is {value!r}; write text in quotes: {key} = "..."')
    return value


def _roles(value: Any) -> dict[str, Role]:
    if not isinstance(value, dict) or not value or not all(one in NAMED for one in value.values()):
        raise ValueError(f'roles maps groups to {", ".join(NAMED)}; write roles = {{ "wifi-staff" = "operator" }}')
    return {group: NAMED[word] for group, word in value.items()}
