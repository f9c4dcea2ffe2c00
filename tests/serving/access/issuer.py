"""A local identity provider: its discovery document, its keys, and its token endpoint, without a network."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from guard.registry.keys.key import Role
from serving.access.code_flow import Client, CodeFlow
from serving.access.oidc import Provider

ISSUER, NOW = "https://id.example", 1_800_000_000
DESK_URL = "https://lethe.example/ui"
CLIENT_ID, SECRET = "lethe-desk", "s3cret"
KEY = ECKey.generate_key("P-256", {"kid": "one", "use": "sig"})


class LocalIssuer:
    """Issues codes for whom `person` describes, each for one token; members may be changed to misbehave."""

    def __init__(self, url: str = ISSUER, desk_url: str = DESK_URL) -> None:
        self.url, self.desk_url = url, desk_url
        self.now = float(NOW) if url == ISSUER else time.time()
        self.person: dict[str, Any] = {"sub": "u-17", "roles": ["approver"]}
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {"alg": "ES256", "kid": "one"}
        self.key: Any = KEY
        self.down = False
        self.description: dict[str, Any] = {
            "issuer": url,
            "jwks_uri": f"{url}/keys",
            "authorization_endpoint": f"{url}/authorize",
            "token_endpoint": f"{url}/token",
            "end_session_endpoint": f"{url}/end",
        }
        self.answer: Any = None
        self.posted: list[Mapping[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}

    def clock(self) -> float:
        return self.now

    def fetch(self, url: str) -> Any:
        if self.down:
            raise OSError("down")
        return self.description if url.endswith("/openid-configuration") else KeySet([KEY]).as_dict(private=False)

    def authorize(self, url: str) -> dict[str, str]:
        """Return the parameters of the answer to a browser that was sent to `url`."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.url}

    def post(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None) -> Any:
        assert url == self.description["token_endpoint"]
        self.posted.append(form)
        if self.down:
            raise OSError("down")
        if self.answer is not None:
            return self.answer
        asked = self._codes.pop(form["code"], None)
        if asked is None:
            raise OSError("HTTPStatusError")
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        assert challenge.decode() == asked["code_challenge"]
        assert form["redirect_uri"] == asked["redirect_uri"]
        assert basic == (CLIENT_ID, SECRET) or form.get("client_secret") == SECRET
        return {"id_token": self.token(asked["nonce"]), "token_type": "Bearer"}

    def token(self, nonce: str) -> str:
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "exp": int(self.now) + 300,
            "nonce": nonce,
            **self.person,
            **self.claims,
        }
        given = {name: value for name, value in claims.items() if value is not None}
        if self.header["alg"] == "none":
            parts = [base64.urlsafe_b64encode(json.dumps(part).encode()) for part in (self.header, given)]
            return b".".join([*(part.rstrip(b"=") for part in parts), b""]).decode()
        return jwt.encode(self.header, given, self.key, [self.header["alg"]])

    def app(self) -> Starlette:
        """Return the provider as an application."""

        async def answer(request: Request) -> JSONResponse:
            return JSONResponse(self.fetch(request.url.path))

        async def authorize(request: Request) -> RedirectResponse:
            back = request.query_params["redirect_uri"]
            return RedirectResponse(f"{back}?{urlencode(self.authorize(str(request.url)))}", 303)

        async def token(request: Request) -> JSONResponse:
            form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
            name, _, secret = base64.b64decode(request.headers["authorization"].split()[1]).decode().partition(":")
            return JSONResponse(self.post(self.description["token_endpoint"], form, (name, secret)))

        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", answer),
                Route("/keys", answer),
                Route("/authorize", authorize),
                Route("/token", token, methods=["POST"]),
            ]
        )

    def flow(self, *, local: bool = True) -> CodeFlow:
        """Return a flow to this provider, without a network if it is `local`."""
        provider = Provider(self.url, "", "roles", {role.value: role for role in Role})
        client = Client(
            id=CLIENT_ID,
            secret=SecretStr(SECRET),
            desk_url=self.desk_url,
            redirect_url=f"{self.desk_url}/sign-in/callback",
            scopes="openid roles",
        )
        return (
            CodeFlow(provider, client, self.fetch, self.post, self.clock) if local else CodeFlow(provider, client)
        )
