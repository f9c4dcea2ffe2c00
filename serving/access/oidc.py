"""Bearer tokens of an identity provider (OpenID Connect), whose claims say which roles their bearer has."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from guard.errors import BadSettings
from guard.registry.keys.key import Role
from serving.access.rights import RIGHTS, Caller, Right

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

    from serving.access.settings import AccessSettings

log = logging.getLogger("lethe")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
"""Signatures by a private key. `none` is none of them, nor is a MAC, for which the public key would be the key."""
LEEWAY_S = 30
"""Seconds by which the provider's clock may differ."""
KEYS_AGE_S = 3600.0
"""Seconds after which the provider's keys are read again, so that one that was withdrawn is accepted no longer."""
KEYS_PAUSE_S = 10.0
"""Seconds between two tries to read the keys: a token with an invented key id costs the provider nothing."""
TIMEOUT_S = 5.0
MAX_TOKEN_CHARS = 16_384
MAX_SUBJECT_CHARS = 200
DISCOVERY = "/.well-known/openid-configuration"

Fetch = Callable[[str], Any]
"""Returns the JSON at a URL; raises any exception where that cannot be had."""


@dataclass(frozen=True, slots=True)
class Provider:
    """An identity provider as configured.

    claim     path of the claim that names roles, as `roles` or `realm_access.roles`
    roles     the role by the value of the claim
    keys_url  of its keys; "": as its discovery document says
    """

    issuer: str
    audience: str
    claim: str
    roles: Mapping[str, Role]
    keys_url: str = ""


class TokenVerifier:
    """Verifies bearer tokens: signature by a key of the provider, issuer, audience, and time. Thread-safe; blocks.

    Nothing is read from the provider before the first token comes.
    """

    def __init__(
        self, provider: Provider, fetch: Fetch | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._provider = provider
        self._fetch = fetch or json_at
        self._clock = clock
        self._keys: KeySet | None = None
        self._read_at = self._tried_at = float("-inf")
        self._lock = threading.Lock()

    def caller(self, token: str) -> Caller | None:
        """Return who bears a token, None if it is not accepted or names no role."""
        claims = self.claims(token)
        return None if claims is None else self.caller_of(claims)

    def claims(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims of a token, None if it is not accepted."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        if token.count(".") != 2 or len(token) > MAX_TOKEN_CHARS:
            return None
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token, lambda signed: self._key(signed.headers()), ALGORITHMS
            ).claims
            registry = jwt.JWTClaimsRegistry(
                now=int(self._clock()),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": self._provider.issuer},
                aud={"essential": True, "value": self._provider.audience},
                exp={"essential": True},
                sub={"essential": True},
            )
            registry.validate(dict(claims))
        except (JoseError, ValueError, TypeError, KeyError, UnicodeError):
            return None
        return claims

    def caller_of(self, claims: Mapping[str, Any]) -> Caller | None:
        """Return whom accepted claims are about, None if they name no role."""
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARS or not subject.isprintable():
            return None
        named = self._named(claims)
        roles = {role for value, role in self._provider.roles.items() if value in named}
        rights = frozenset[Right]().union(*(RIGHTS[role] for role in roles))
        until = datetime.fromtimestamp(float(claims["exp"]) + LEEWAY_S, UTC)
        return Caller(f"oidc:{subject}", rights, until=until, name=subject) if rights else None

    def _named(self, claims: Mapping[str, Any]) -> list[str]:
        found: Any = claims
        # A claim whose name is a URL has points of its own.
        for part in [self._provider.claim] if self._provider.claim in claims else self._provider.claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if isinstance(found, str):
            return found.split()
        return [value for value in found if isinstance(value, str)] if isinstance(found, list) else []

    def _key(self, header: Mapping[str, Any]) -> Any:
        """Return the key that a token names. Raises ValueError if the provider has no such key."""
        kid = header.get("kid")
        if not isinstance(kid, str) or header.get("alg") not in ALGORITHMS:
            raise ValueError("the token names no key, or no signature that is accepted")
        with self._lock:
            now = self._clock()
            keys = self._keys if now - self._read_at < KEYS_AGE_S else None
            found = _of(keys, kid)
            if found is None and now - self._tried_at >= KEYS_PAUSE_S:
                self._tried_at = now
                found = _of(self._read(now), kid)
        if found is None:
            raise ValueError("the provider has no such key")
        if found.get("use", "sig") != "sig":
            raise ValueError("the key is for something else")
        return found

    def _read(self, now: float) -> KeySet | None:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            url = self._provider.keys_url or self._discovered()
            self._keys, self._read_at = KeySet.import_key_set(self._fetch(url)), now
        except (JoseError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("the keys of the identity provider cannot be read: %s", type(error).__name__)
            return None
        return self._keys

    def _discovered(self) -> str:
        found = self._fetch(self._provider.issuer.rstrip("/") + DISCOVERY)
        if found["issuer"] != self._provider.issuer:
            raise ValueError("the discovery document is of another issuer")
        return str(found["jwks_uri"])


def _of(keys: KeySet | None, kid: str) -> Any:
    return next((key for key in keys.keys if key.kid == kid), None) if keys is not None else None


def json_at(url: str) -> Any:
    """Return the JSON at a URL. Raises OSError or ValueError."""
    import httpx

    from serving.http.tls import trusted

    try:
        response = httpx.get(url, timeout=TIMEOUT_S, follow_redirects=False, verify=trusted())
        response.raise_for_status()
    except httpx.HTTPError as error:
        raise OSError(type(error).__name__) from None
    return response.json()


def token_verifier(settings: AccessSettings) -> TokenVerifier | None:
    """Return the verifier that the settings describe, None without an issuer. Raises BadSettings.

    With a client and without an audience, people sign in at the provider and no bearer token is accepted.
    """
    if not settings.oidc_issuer or (settings.oidc_client_id and not settings.oidc_audience):
        return None
    if not settings.oidc_audience:
        raise BadSettings(
            "oidc_audience must be set with oidc_issuer: a token for another service must not open this"
        )
    return TokenVerifier(provider_of(settings))


def provider_of(settings: AccessSettings) -> Provider:
    """Return the identity provider that the settings describe. Raises BadSettings."""
    refuse_plain(settings.oidc_issuer, "oidc_issuer")
    if settings.oidc_keys_url:
        refuse_plain(settings.oidc_keys_url, "oidc_keys_url")
    try:
        roles = _roles(settings.oidc_roles)
    except ValueError:
        raise BadSettings("oidc_roles names what is no role: reader, editor, approver or auditor") from None
    return Provider(
        settings.oidc_issuer, settings.oidc_audience, settings.oidc_claim, roles, settings.oidc_keys_url
    )


def _roles(listed: str) -> dict[str, Role]:
    pairs = (pair.partition("=") for pair in listed.split(",") if pair.strip())
    return {value.strip(): Role((role or value).strip()) for value, _, role in pairs}


def refuse_plain(url: str, setting: str) -> None:
    """Raise BadSettings unless a URL is https://, or http:// on loopback."""
    parts = urlsplit(url)
    is_loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and is_loopback)):
        raise BadSettings(f"{setting} must begin with https://: who is on the way could forge what comes from it")
