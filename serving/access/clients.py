"""Clients of the data plane: whose key a request has, which targets hold for it, and how often it may ask."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from guard.registry.keys.key import Audience, Key
from guard.registry.keys.keyring import Keyring
from guard.targets.policy_set import ALL, PolicySet
from serving.keys import api_keys, bearer_keys, key_matches

SECONDS = 60.0
"""Of the time that `requests_per_minute` is about."""


@dataclass(frozen=True, slots=True)
class ClientOf:
    """Who asks: the policy set and the models of the key, empty for all of them.

    retry_after_s  seconds until it may ask again, 0 if it may now
    key_id         of a key of the registry, "" for the configured ones and where none is needed
    """

    tags: PolicySet = ALL
    models: tuple[str, ...] = ()
    retry_after_s: int = 0
    key_id: str = ""


ANYBODY = ClientOf()


class Clients:
    """The keys that the data plane accepts: the configured ones, those of the registry, and `own`, a random one by
    which this server asks itself.

    No key is needed where none is configured and none was ever created in the registry.
    """

    def __init__(
        self,
        configured: Sequence[SecretStr],
        keyring: Keyring | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.own = SecretStr(secrets.token_urlsafe(32))
        self._configured = (*configured, self.own)
        self._is_open = not configured
        self._keyring = keyring
        self._clock = clock
        self._rates: dict[str, _Rate] = {}

    def client(self, headers: Iterable[tuple[bytes, bytes]], *, counts: bool) -> ClientOf | None:
        """Return whose the keys in `headers` are, None if none is accepted.

        `counts`: whether this is a request that its limit is about.
        """
        headers = list(headers)
        sent = [*bearer_keys(headers), *api_keys(headers)]
        if any(key_matches(key, self._configured) for key in sent):
            return ANYBODY
        if self._keyring is not None:
            for secret in sent:
                if key := self._keyring.find(secret, Audience.CLIENT):
                    return self._of(key, counts)
        is_open = self._is_open and not (self._keyring and self._keyring.has_clients)
        return ANYBODY if is_open else None

    def _of(self, key: Key, counts: bool) -> ClientOf:
        limit, wait = key.draft.requests_per_minute, 0
        if limit is not None and counts:
            rate = self._rates.setdefault(key.id, _Rate(float(limit), self._clock()))
            wait = rate.wait_s(limit, self._clock())
        return ClientOf(frozenset(key.draft.tags), key.draft.models, wait, key.id)


@dataclass(slots=True)
class _Rate:
    """A token bucket: how many requests a key may make at the time `at`; it fills evenly up to a minute's."""

    left: float
    at: float

    def wait_s(self, limit: int, now: float) -> int:
        """Take one request, and return 0, or return the whole seconds after which there will be one."""
        self.left = min(float(limit), self.left + (now - self.at) * limit / SECONDS)
        self.at = now
        if self.left >= 1:
            self.left -= 1
            return 0
        return max(1, math.ceil((1 - self.left) * SECONDS / limit))
