"""Operations on keys, as both clients have them."""

from __future__ import annotations

from serving.client import server_operations
from serving.client.keys import Key, KeyEventPage, Keys, NewKey
from serving.client.operation import PAGE
from serving.client.requests import KeyDraft
from serving.client.senders import AsyncSender, Sender


class KeyOperations(Sender):
    """Operations on the keys of the registry."""

    def create_key(self, draft: KeyDraft) -> NewKey:
        """Create a key; the answer alone has its secret."""
        return self._send(server_operations.create_key(draft))

    def keys(self) -> Keys:
        """Return all keys, without their secrets."""
        return self._send(server_operations.keys())

    def key_events(self, cursor: int = 0, *, limit: int = PAGE) -> KeyEventPage:
        """Return a page of the audit trail of keys."""
        return self._send(server_operations.key_events(cursor, limit=limit))

    def rotate_key(self, key_id: str, *, overlap_s: int = 3600) -> NewKey:
        """Give a key another secret; the one before stays valid for `overlap_s` seconds."""
        return self._send(server_operations.rotate_key(key_id, overlap_s=overlap_s))

    def revoke_key(self, key_id: str) -> Key:
        """End a key at once."""
        return self._send(server_operations.revoke_key(key_id))


class AsyncKeyOperations(AsyncSender):
    """Operations on the keys of the registry, to be awaited."""

    async def create_key(self, draft: KeyDraft) -> NewKey:
        """Create a key; the answer alone has its secret."""
        return await self._send(server_operations.create_key(draft))

    async def keys(self) -> Keys:
        """Return all keys, without their secrets."""
        return await self._send(server_operations.keys())

    async def key_events(self, cursor: int = 0, *, limit: int = PAGE) -> KeyEventPage:
        """Return a page of the audit trail of keys."""
        return await self._send(server_operations.key_events(cursor, limit=limit))

    async def rotate_key(self, key_id: str, *, overlap_s: int = 3600) -> NewKey:
        """Give a key another secret; the one before stays valid for `overlap_s` seconds."""
        return await self._send(server_operations.rotate_key(key_id, overlap_s=overlap_s))

    async def revoke_key(self, key_id: str) -> Key:
        """End a key at once."""
        return await self._send(server_operations.revoke_key(key_id))
