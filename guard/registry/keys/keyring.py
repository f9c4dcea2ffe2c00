"""The keys that this server accepts now, in memory, and the task that keeps them up to date with the registry."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from datetime import UTC, datetime

from guard.errors import StoreUnavailable
from guard.registry.keys.key import Audience, Key, KeyState, hashed
from guard.registry.keys.store import KeyStore, StoredKeys

log = logging.getLogger(__name__)

POLL_S = 1.0
"""Seconds within which a change of keys at another server is noticed."""
MARK_PERIOD_S = 60.0
"""Seconds between two notes of when keys were last used: no request writes."""


class Keyring:
    """The keys of a registry as last read. Lookups are in memory, from any thread.

    Keys that were not compared with the registry for more than `max_staleness_s` seconds are not accepted: one may
    be revoked by now.
    """

    def __init__(self, store: KeyStore, max_staleness_s: float = math.inf) -> None:
        """Raise StoreUnavailable if the keys cannot be read."""
        self.store = store
        self._max_staleness_s = max_staleness_s
        self._stored = StoredKeys()
        self._used: dict[str, datetime] = {}
        self._marked = time.monotonic()
        self.refresh()

    @property
    def has_clients(self) -> bool:
        """Whether a client key was ever created, also one that has ended: revoking the last one opens nothing."""
        return any(key.draft.audience is Audience.CLIENT for key in self._stored.keys.values())

    @property
    def policy_sets(self) -> frozenset[frozenset[str]]:
        """The policy sets of the client keys that are accepted."""
        now = datetime.now(UTC)
        keys = (key for key in self._stored.keys.values() if key.state(now) is KeyState.ACTIVE)
        return frozenset(frozenset(key.draft.tags) for key in keys if key.draft.tags)

    def find(self, secret: str | bytes, audience: Audience) -> Key | None:
        """Return the key of this secret if it is accepted for `audience`, and note that it was used.

        Which digest is looked up tells nothing of those that are stored: nobody chooses a key by its digest.
        """
        key = self.holder(hashed(secret))
        if key is None or key.draft.audience is not audience:
            return None
        self._used[key.id] = datetime.now(UTC)
        return key

    def holder(self, digest: str) -> Key | None:
        """Return the key whose secret has this digest if both are accepted: a rotation ends secrets alone."""
        found = self._stored.secrets.get(digest)
        if found is None or (found.until is not None and found.until <= datetime.now(UTC).timestamp()):
            return None
        return self.accepted(found.key_id)

    def accepted(self, id: str) -> Key | None:
        """Return the key of this id if it is neither revoked nor expired."""
        key = self._stored.keys.get(id)
        if key is None or time.monotonic() - self._compared_at > self._max_staleness_s:
            return None
        return key if key.state(datetime.now(UTC)) is KeyState.ACTIVE else None

    def refresh(self) -> None:
        """Read the keys again if they have changed. Raises StoreUnavailable."""
        began = time.monotonic()
        if self.store.version() != self._stored.version:
            self._stored = self.store.snapshot()
        self._compared_at = began

    async def run(self) -> None:
        """Follow the registry until cancelled."""
        failed = False
        while True:
            try:
                await asyncio.to_thread(self._follow)
                failed = False
            except StoreUnavailable as error:
                if not failed:
                    log.warning("keys stay as they are until the registry can be reached: %s", error.message)
                failed = True
            await asyncio.sleep(POLL_S)

    def _follow(self) -> None:
        self.refresh()
        if self._used and time.monotonic() - self._marked >= MARK_PERIOD_S:
            used, self._used = self._used, {}
            self._marked = time.monotonic()
            self.store.note_used(used)
