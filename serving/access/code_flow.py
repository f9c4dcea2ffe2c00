"""Signing in at an identity provider: OpenID Connect's authorization code flow, with PKCE, state and nonce."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote_plus, urlencode, urlsplit

from cachetools import TTLCache
from pydantic import SecretStr

from guard.errors import BadSettings
from serving.access.oidc import (
    DISCOVERY,
    KEYS_AGE_S,
    TIMEOUT_S,
    Fetch,
    Provider,
    TokenVerifier,
    json_at,
    provider_of,
    refuse_plain,
)
from serving.access.rights import Caller

if TYPE_CHECKING:
    from serving.access.settings import AccessSettings

SIGN_IN_S = 600.0
"""Seconds that somebody may take to sign in at the provider."""
ROLES_S = 3600.0
"""Seconds after which the provider is asked again who somebody is, so that a role that was withdrawn ends."""
MAX_SIGN_INS = 1_000
"""Sign-ins that have begun and not ended; a further one ends the oldest."""
MAX_CODE_CHARS = 4_096
Post = Callable[[str, Mapping[str, str], tuple[str, str] | None], Any]
"""Posts a form to a URL, with a name and a password if given, and returns the JSON of the answer."""


class Refusal(StrEnum):
    """Why nobody was signed in.

    state     the answer belongs to no sign-in that this browser has begun, or to one that has ended
    denied    the provider, or the person there, has refused
    provider  the provider cannot be reached, or answers what it may not
    token     the identity token is not for this sign-in, or is forged
    role      the person has no role here
    """

    STATE = "state"
    DENIED = "denied"
    PROVIDER = "provider"
    TOKEN = "token"
    ROLE = "role"


class SignInRefused(Exception):
    """Nobody is signed in."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """This server as the provider knows it, and the URL of the desk for browsers. `secret` may be empty."""

    id: str
    secret: SecretStr
    desk_url: str
    redirect_url: str
    scopes: str


class Begun(NamedTuple):
    """A sign-in that has begun: where the browser is sent, and what it keeps in a cookie until it comes back."""

    url: str
    browser: str


class SignedIn(NamedTuple):
    """Who has signed in, the page to go on with, and where to sign out at the provider ("" for nowhere)."""

    caller: Caller
    after: str
    sign_out_url: str


@dataclass(frozen=True, slots=True)
class _SignIn:
    after: str
    browser: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)


class CodeFlow:
    """Sends browsers to the provider, and takes them back. Thread-safe; blocks.

    A sign-in can be ended once, by the browser that has begun it, with the code and the identity token of this
    sign-in alone. Nothing is read from the provider before the first one begins.
    """

    def __init__(
        self,
        provider: Provider,
        client: Client,
        fetch: Fetch | None = None,
        post: Post | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._provider = replace(provider, audience=client.id)
        self._client = client
        self._fetch = fetch or json_at
        self._post = post or _post
        self._clock = clock
        self._verifier = TokenVerifier(self._provider, self._fetch, clock)
        self._begun: TTLCache[str, _SignIn] = TTLCache(MAX_SIGN_INS, SIGN_IN_S, timer=clock)
        self._described: tuple[float, Mapping[str, Any]] | None = None
        self._lock = threading.Lock()

    def begin(self, after: str) -> Begun:
        """Begin a sign-in that goes on with the page `after`. Raises SignInRefused."""
        endpoint = self._endpoint("authorization_endpoint")
        state, sign_in = secrets.token_urlsafe(32), _SignIn(after)
        challenge = hashlib.sha256(sign_in.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": self._client.redirect_url,
            "scope": self._client.scopes,
            "state": state,
            "nonce": sign_in.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        with self._lock:
            self._begun[state] = sign_in
        joint = "&" if urlsplit(endpoint).query else "?"
        return Begun(f"{endpoint}{joint}{urlencode(query)}", sign_in.browser)

    def end(self, answer: Mapping[str, str], browser: str) -> SignedIn:
        """Return who has signed in, from the parameters of the provider's answer and the browser's cookie.

        Raises SignInRefused.
        """
        with self._lock:
            # Whatever comes of it, it cannot be ended again.
            sign_in = self._begun.pop(answer.get("state", ""), None)
        if sign_in is None or not hmac.compare_digest(sign_in.browser.encode(), browser.encode()):
            raise SignInRefused(Refusal.STATE)
        self._require_issuer(answer)
        if "error" in answer:
            raise SignInRefused(Refusal.DENIED)
        code = answer.get("code", "")
        if not 0 < len(code) <= MAX_CODE_CHARS:
            raise SignInRefused(Refusal.PROVIDER)
        claims = self._claims(self._token(code, sign_in), sign_in)
        caller = self._verifier.caller_of(claims)
        if caller is None:
            raise SignInRefused(Refusal.ROLE)
        until = datetime.fromtimestamp(self._clock(), UTC) + timedelta(seconds=ROLES_S)
        return SignedIn(replace(caller, until=until), sign_in.after, self._sign_out_url())

    def _require_issuer(self, answer: Mapping[str, str]) -> None:
        """Refuse the answer of another provider (RFC 9207)."""
        must_say = self._description().get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", None if must_say else self._provider.issuer) != self._provider.issuer:
            raise SignInRefused(Refusal.STATE)

    def _token(self, code: str, sign_in: _SignIn) -> str:
        secret, form = (
            self._client.secret.get_secret_value(),
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._client.redirect_url,
                "client_id": self._client.id,
                "code_verifier": sign_in.verifier,
            },
        )
        methods = self._description().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        basic = None
        if secret and "client_secret_basic" in methods:
            # As RFC 6749, 2.3.1, wants them.
            basic = (quote_plus(self._client.id), quote_plus(secret))
        elif secret:
            form["client_secret"] = secret
        try:
            answer = self._post(self._endpoint("token_endpoint"), form, basic)
        except (OSError, ValueError):
            raise SignInRefused(Refusal.PROVIDER) from None
        token = answer.get("id_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str):
            raise SignInRefused(Refusal.PROVIDER)
        return token

    def _claims(self, token: str, sign_in: _SignIn) -> Mapping[str, Any]:
        claims = self._verifier.claims(token)
        nonce = claims.get("nonce") if claims else None
        if claims is None or not isinstance(nonce, str):
            raise SignInRefused(Refusal.TOKEN)
        if not hmac.compare_digest(nonce.encode(), sign_in.nonce.encode()):
            raise SignInRefused(Refusal.TOKEN)
        # A token that was issued to another client, with this one among its audiences.
        if claims.get("azp", self._client.id) != self._client.id:
            raise SignInRefused(Refusal.TOKEN)
        return claims

    def _sign_out_url(self) -> str:
        url = self._description().get("end_session_endpoint")
        if not isinstance(url, str) or not _is_safe(url):
            return ""
        query = urlencode({"client_id": self._client.id, "post_logout_redirect_uri": self._client.desk_url})
        return f"{url}{'&' if urlsplit(url).query else '?'}{query}"

    def _endpoint(self, name: str) -> str:
        url = self._description().get(name)
        if not isinstance(url, str) or not _is_safe(url):
            raise SignInRefused(Refusal.PROVIDER)
        return url

    def _description(self) -> Mapping[str, Any]:
        with self._lock:
            if self._described is not None and self._clock() - self._described[0] < KEYS_AGE_S:
                return self._described[1]
        try:
            found = self._fetch(self._provider.issuer.rstrip("/") + DISCOVERY)
        except (OSError, ValueError):
            raise SignInRefused(Refusal.PROVIDER) from None
        if not isinstance(found, Mapping) or found.get("issuer") != self._provider.issuer:
            raise SignInRefused(Refusal.PROVIDER)
        with self._lock:
            self._described = (self._clock(), found)
        return found


def code_flow(settings: AccessSettings) -> CodeFlow | None:
    """Return the sign-in that the settings describe, None without a client. Raises BadSettings."""
    if not settings.oidc_client_id:
        return None
    if not settings.oidc_issuer or not settings.oidc_desk_url:
        raise BadSettings("oidc_issuer and oidc_desk_url must be set with oidc_client_id")
    if "openid" not in settings.oidc_scopes.split():
        raise BadSettings("oidc_scopes must name openid: without it there is no identity token")
    refuse_plain(settings.oidc_desk_url, "oidc_desk_url")
    desk_url = f"{settings.oidc_desk_url.rstrip('/')}/ui"
    client = Client(
        id=settings.oidc_client_id,
        # The file of a secret often ends with a line end.
        secret=SecretStr(settings.oidc_client_secret.get_secret_value().strip()),
        desk_url=desk_url,
        redirect_url=f"{desk_url}/sign-in/callback",
        scopes=settings.oidc_scopes,
    )
    return CodeFlow(provider_of(settings), client)


def _is_safe(url: str) -> bool:
    try:
        refuse_plain(url, "")
    except BadSettings:
        return False
    return True


def _post(url: str, form: Mapping[str, str], basic: tuple[str, str] | None) -> Any:
    import httpx

    from serving.http.tls import trusted

    try:
        response = httpx.post(
            url,
            data=dict(form),
            auth=basic,
            headers={"accept": "application/json"},
            timeout=TIMEOUT_S,
            follow_redirects=False,
            verify=trusted(),
        )
        response.raise_for_status()
    except httpx.HTTPError as error:
        raise OSError(type(error).__name__) from None
    return response.json()
