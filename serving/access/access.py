"""Reads the credentials of a request, and says who its caller is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from anyio.to_thread import run_sync
from pydantic import SecretStr

from guard.registry.keys.key import Audience, Key, Role, hashed
from guard.registry.keys.keyring import Keyring
from serving.access.delegates import Delegates
from serving.access.oidc import TokenVerifier
from serving.access.rights import OWNER, RIGHTS, Caller
from serving.keys import bearer_keys, key_matches


class Access:
    """Who may use the admin plane: the holder of the configured key and of the admin keys in the registry, and
    bearers of tokens of an identity provider, and programs that this server has started for one of them.

    Without a `keyring`, no key in the registry is accepted; without `tokens`, no token; without `delegates`, no
    program.
    """

    def __init__(
        self,
        owner_key: SecretStr,
        keyring: Keyring | None = None,
        tokens: TokenVerifier | None = None,
        delegates: Delegates | None = None,
    ) -> None:
        self._owner_key = owner_key
        self._keyring = keyring
        self._tokens = tokens
        self._delegates = delegates

    async def caller(self, headers: Iterable[tuple[bytes, bytes]]) -> Caller | None:
        """Return whose the bearer credentials in `headers` are, None where they are missing or not accepted."""
        for credential in bearer_keys(headers):
            if caller := await self.holder(credential):
                return caller
        return None

    async def holder(self, credential: str | bytes) -> Caller | None:
        """Return whose key or token this is, None if it is not accepted here."""
        if key_matches(credential, [self._owner_key]):
            return OWNER
        key = self._keyring.find(credential, Audience.ADMIN) if self._keyring else None
        if key is not None:
            return _caller(key, hashed(credential))
        if self._delegates is not None and (caller := self._delegates.caller(credential)):
            return self.still(caller)
        if self._tokens is None:
            return None
        token = credential if isinstance(credential, str) else credential.decode("ascii", errors="replace")
        # It may have to ask the provider for its keys.
        return await run_sync(self._tokens.caller, token)

    def still(self, caller: Caller) -> Caller | None:
        """Return a caller that was let in before, with the rights of now; None if they are let in no more."""
        if caller.until is not None and caller.until <= datetime.now(UTC):
            return None
        if not caller.key_id:
            return caller
        key = self._keyring.holder(caller.secret_digest) if self._keyring else None
        return _caller(key, caller.secret_digest) if key else None


def _caller(key: Key, secret_digest: str) -> Caller:
    assert isinstance(key.draft.role, Role)
    return Caller(key.id, RIGHTS[key.draft.role], key.id, key.draft.expires_at, key.draft.name, secret_digest)
