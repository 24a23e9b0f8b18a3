"""OpenID Connect: the way to the district's identity provider and back, by authorization code with PKCE.

A code goes in, checked claims come out. Keys are the provider's own, looked up again when one is not known, since
providers change them. The only importer of joserfc.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from msgspec import Struct

from collector.access.roles import Role
from collector.access.settings import Oidc, highest, is_safe
from collector.transport import Answer, Client, Unreachable

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "RS384", "RS512", "EdDSA")
"""Signatures by the provider's private key. Neither `none` nor a secret that is shared."""
SKEW_SECONDS = 60
_DOCUMENT_SECONDS, _KEYS_AGAIN_SECONDS = 3600.0, 30.0
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_MOST_BYTES = 1 << 20


class ProviderFault(Exception):
    """The provider, or what came in its name, is not as it should be. Says why, for the log."""


class Person(Struct, frozen=True):
    """Who signed in. ``role`` is PUBLIC where no group has one."""

    name: str
    role: Role


class Provider:
    """Safe from any thread. ``clock`` gives Unix seconds."""

    def __init__(self, settings: Oidc, client: Client, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._document: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def way_there(self, back: str, state: str, nonce: str, verifier: str) -> str:
        """The address to which a browser is sent. ``back``: where it is to return. Raises ProviderFault."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": self._settings.client_id, "redirect_uri": back,
            "scope": self._settings.scopes, "state": state, "nonce": nonce,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        address = str(self._discovered()["authorization_endpoint"])
        return f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"

    def person(self, code: str, back: str, nonce: str, verifier: str) -> Person:
        """Whom the provider vouches for with ``code``. Raises ProviderFault."""
        claims = self._claims(self._id_token(code, back, verifier))
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise ProviderFault("the token's nonce is of another sign-in")
        settings = self._settings
        name = next((claims[key] for key in (settings.name_claim, "email", "sub") if claims.get(key)), "")
        if not isinstance(name, str) or not name.isprintable():
            raise ProviderFault(f"claim {settings.name_claim} is no name")
        groups = claims.get(settings.groups_claim, [])
        listed = [groups] if isinstance(groups, str) else [str(one) for one in groups] if groups else []
        return Person(name[:64], highest(settings.roles, listed))

    def _id_token(self, code: str, back: str, verifier: str) -> str:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        settings = self._settings
        if settings.client_secret_file is None:
            form["client_id"] = settings.client_id
        else:
            try:
                secret = settings.client_secret_file.read_text().strip()
            except OSError as fault:
                raise ProviderFault(f"client_secret_file {settings.client_secret_file}: {fault.strerror}") from None
            # RFC 6749, section 2.3.1: both are form-encoded before they are joined.
            pair = f"{quote(settings.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        found = self._json("POST", str(self._discovered()["token_endpoint"]), urlencode(form).encode(), headers)
        token = found.get("id_token")
        if not isinstance(token, str):
            raise ProviderFault("the provider gave no id_token")
        return token

    def _claims(self, token: str) -> dict[str, Any]:
        settings = self._settings
        try:
            try:
                decoded = jwt.decode(token, self._key_set(), algorithms=list(ALGORITHMS))
            except (JoseError, ValueError, KeyError):
                # The key may be a new one. One look more, and then it counts.
                decoded = jwt.decode(token, self._key_set(again=True), algorithms=list(ALGORITHMS))
            claims = decoded.claims
            jwt.JWTClaimsRegistry(
                now=int(self._clock()),
                leeway=SKEW_SECONDS,
                iss={"essential": True, "value": settings.issuer},
                aud={"essential": True, "value": settings.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
            ).validate(claims)
        except (JoseError, ValueError, KeyError, TypeError) as fault:
            raise ProviderFault(f"the provider's token is not good: {type(fault).__name__}: {fault}"[:200]) from None
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != settings.client_id:
            raise ProviderFault("the token was made for another client (azp)")
        return dict(claims)

    def _discovered(self) -> dict[str, Any]:
        with self._lock:
            now = self._clock()
            if self._document is None or now - self._document[0] > _DOCUMENT_SECONDS:
                address = f"{self._settings.issuer.rstrip('/')}/.well-known/openid-configuration"
                found = self._json("GET", address)
                if found.get("issuer") != self._settings.issuer:
                    said = str(found.get("issuer"))[:100]
                    raise ProviderFault(f"the provider says that it is {said}, not {self._settings.issuer}")
                if unsafe := [key for key in _ENDPOINTS if not is_safe(found.get(key))]:
                    raise ProviderFault(f"the provider's {unsafe[0]} is no https address")
                self._document = now, found
            return self._document[1]

    def _key_set(self, *, again: bool = False) -> KeySet:
        address = str(self._discovered()["jwks_uri"])
        with self._lock:
            now = self._clock()
            age = now - self._keys[0] if self._keys is not None else None
            if self._keys is None or age is None or age > (_KEYS_AGAIN_SECONDS if again else _DOCUMENT_SECONDS):
                found = self._json("GET", address)
                # A shared secret among the keys would let whoever reads the address sign.
                listed = [one for one in found.get("keys", []) if isinstance(one, dict) and one.get("kty") != "oct"]
                self._keys = now, KeySet.import_key_set({"keys": listed})
            return self._keys[1]

    def _json(
        self, method: str, url: str, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        try:
            answer: Answer = self._client.request(method, url, content=content, headers=headers)
        except Unreachable as fault:
            raise ProviderFault(f"{url}: no answer: {fault}") from None
        if not answer.is_success or len(answer.body) > _MOST_BYTES:
            # Not the body: it may hold what a token is made of.
            raise ProviderFault(f"{url}: status {answer.status}")
        try:
            return msgspec.json.decode(answer.body, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise ProviderFault(f"{url}: the answer is no JSON object") from None
