"""An identity provider on a real loopback socket: it keeps to OpenID Connect, and misbehaves where a test says so."""

import asyncio
import base64
import contextlib
import hashlib
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "campus-wifi", "a secret: of one & test"


class ProviderDouble:
    """``claims`` are added to each token, ``spoil`` changes the claims of the next, ``sign`` signs them otherwise."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.issuer = ""
        self.says_issuer = ""
        self.claims: dict[str, Any] = {
            "sub": "1",
            "preferred_username": "kim@district.example",
            "groups": ["wifi-staff"],
        }
        self.spoil: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] | None = None
        self.keys_asked = 0
        self._codes: dict[str, dict[str, str]] = {}
        self.new_key()

    def new_key(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig", "alg": "RS256"})

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._document, methods=["GET"]),
                Route("/authorize", self._authorize, methods=["GET"]),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys, methods=["GET"]),
            ]
        )

    async def _document(self, _: Request) -> Response:
        paths = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        said = {key: self.issuer + path for key, path in paths.items()}
        return JSONResponse({"issuer": self.says_issuer or self.issuer} | said)

    async def _authorize(self, request: Request) -> Response:
        """Whoever comes is kim, and is sent back with a code."""
        query = dict(request.query_params)
        assert (query["client_id"], query["response_type"]) == (CLIENT, "code")
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        back = urlencode({"code": code, "state": query["state"]})
        return RedirectResponse(f"{query['redirect_uri']}?{back}", 302)

    async def _token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        pair = base64.b64encode(b"campus-wifi:a%20secret%3A%20of%20one%20%26%20test").decode()
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        right = (
            asked is not None
            and request.headers.get("authorization") == f"Basic {pair}"
            and asked["code_challenge"] == challenge.rstrip(b"=").decode()
            and asked["redirect_uri"] == form.get("redirect_uri")
        )
        if asked is None or not right:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(self.clock())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims |= self.claims | self.spoil
        claims = {key: value for key, value in claims.items() if value is not None}
        token = self.sign(claims) if self.sign is not None else self.signed(claims)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": token})

    async def _keys(self, _: Request) -> Response:
        self.keys_asked += 1
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    def signed(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def unsigned(self, claims: dict[str, Any]) -> str:
        """As one who has no key would make it: algorithm none."""
        parts = [base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in (b'{"alg":"none"}', _json(claims))]
        return f"{parts[0]}.{parts[1]}."

    def signed_by_the_public_key(self, claims: dict[str, Any]) -> str:
        """HS256, with the provider's public key taken for a shared secret."""
        key = OctKey.import_key(self.key.as_pem(private=False))
        return jwt.encode({"alg": "HS256", "kid": self.key.kid}, claims, key, algorithms=["HS256"])

    def signed_by_another(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, RSAKey.generate_key(2048))


def _json(claims: dict[str, Any]) -> bytes:
    import json

    return json.dumps(claims).encode()


@contextlib.contextmanager
def providing(clock: Callable[[], float]) -> Iterator[ProviderDouble]:
    made = ProviderDouble(clock)
    listener = socket.create_server(("127.0.0.1", 0))
    made.issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(made.app(), lifespan="off", log_config=None, access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.should_exit = True
        thread.join(20)
