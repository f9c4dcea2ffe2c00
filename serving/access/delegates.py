"""Random secrets by which programs that this server starts act on the admin plane in the name of a caller."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from serving.access.rights import Caller
from serving.keys import key_matches


class Delegates:
    """Who has let a program act for them. Belongs to the event loop; nothing of it outlives this process.

    The program has the rights of its caller, no more and no longer, and the audit trail names the caller.
    """

    def __init__(self) -> None:
        self._callers: list[tuple[SecretStr, Caller]] = []

    @contextmanager
    def acting(self, caller: Caller) -> Iterator[SecretStr]:
        """Yield a secret that stands for `caller` until the block ends."""
        entry = (SecretStr(secrets.token_urlsafe(32)), caller)
        self._callers.append(entry)
        try:
            yield entry[0]
        finally:
            self._callers.remove(entry)

    def caller(self, credential: str | bytes) -> Caller | None:
        """Return for whom this secret stands, None if it is none that is accepted now."""
        return next((caller for secret, caller in self._callers if key_matches(credential, [secret])), None)
