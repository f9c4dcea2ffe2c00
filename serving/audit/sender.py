"""Webhooks: every event of the audit trail, and every policy version that all servers enforce, is posted to URLs.

Requests are signed as Standard Webhooks has it: HMAC-SHA256 over id, timestamp and body. The audit trail itself is
the queue, and the registry remembers how far each webhook was told, so that nothing is lost with a server, and one
of several servers tells it. An event is delivered at least once, in order; what a webhook does not take becomes a
dead letter. Only the configured URLs are asked, and no redirect is followed.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx
import orjson
from pydantic import SecretStr
from ulid import ULID

from guard.errors import LetheError
from guard.registry.lease import Lease
from guard.registry.outside.deliveries import DeadLetter
from guard.registry.registry import Registry
from guard.registry.search import EventSearch
from guard.targets.audit_log import Event
from serving.audit.webhook import Webhook, key_of
from serving.http.tls import trusted

log = logging.getLogger("lethe.audit")

POLL_S = 1.0
TIMEOUT_S = 10.0
BATCH = 100
MAX_ATTEMPTS = 8
"""At one event, over some four minutes; then it is a dead letter."""
MAX_PAUSE_S = 120.0


class UnknownWebhook(LetheError):
    """No webhook of the server has this id."""

    code = "unknown_webhook"
    status = 404


class Message(NamedTuple):
    """What is posted: `id` is the same in every attempt, so that a receiver knows what it has had."""

    id: str
    type: str
    at: datetime
    data: dict[str, Any]

    def body(self) -> bytes:
        """Return the JSON that is signed and posted."""
        return orjson.dumps({"type": self.type, "timestamp": self.at.isoformat(), "data": self.data})


def message_of(event: Event) -> Message:
    """Return the message of an event of the audit trail; it holds no text, as the event holds none."""
    data = {
        "seq": event.seq,
        "target_id": event.target_id,
        "revision": event.revision,
        "policy_version": event.policy_version,
        "actor": event.actor,
        "digest": event.digest,
    }
    if event.proposer:
        data["proposer"] = event.proposer
    return Message(f"evt_{event.digest[:32]}", f"target.{event.action.value}", event.at, data)


def enforced_message(version: int) -> Message:
    """Return the message that all live servers enforce a policy version in full."""
    return Message(f"pol_{version}", "policy.enforced", datetime.now(UTC), {"policy_version": version})


class Refused(Exception):
    """A webhook did not take a message; `reason` is a status or the class of an error."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class WebhookState(NamedTuple):
    """How far a webhook was told: the last event that it was, the last there is, and what it did not take."""

    id: str
    seq: int
    last: int
    dead_letters: list[DeadLetter]


class Sender:
    """Delivers to all webhooks of a server, each in a task of its own."""

    def __init__(self, webhooks: Sequence[Webhook], registry: Registry, lease: Lease) -> None:
        self._webhooks = webhooks
        self._registry = registry
        self._lease = lease
        self._owner = str(ULID())

    async def run(self) -> None:
        """Deliver until cancelled."""
        if self._webhooks:
            async with _client() as http:
                await asyncio.gather(*(self._serve(http, webhook) for webhook in self._webhooks))

    def states(self) -> list[WebhookState]:
        """Return how far each webhook was told."""
        newest = self._registry.latest_events(EventSearch(), limit=1)
        last = newest[0].seq if newest else 0
        kept = self._registry.deliveries
        return [
            WebhookState(hook.id, kept.position(hook.id), last, kept.dead_letters(hook.id))
            for hook in self._webhooks
        ]

    async def deliver_dead(self, id: str) -> int:
        """Deliver the dead letters of a webhook once more, oldest first, and return how many it took.

        Raises UnknownWebhook. The first that is not taken ends it.
        """
        webhook = next((each for each in self._webhooks if each.id == id), None)
        if webhook is None:
            raise UnknownWebhook("no webhook of this server has this id")
        deliveries, taken = self._registry.deliveries, 0
        async with _client() as http:
            for letter in await asyncio.to_thread(deliveries.dead_letters, id):
                (event,) = await asyncio.to_thread(self._registry.events, letter.seq - 1, 1)
                try:
                    await post(http, webhook, message_of(event))
                except Refused:
                    break
                await asyncio.to_thread(deliveries.forget, id, letter.seq)
                taken += 1
        return taken

    async def _serve(self, http: httpx.AsyncClient, webhook: Webhook) -> None:
        deliveries, known = self._registry.deliveries, False
        while True:
            try:
                enforced = await asyncio.to_thread(self._enforced)
                if not known:
                    await asyncio.to_thread(deliveries.register, webhook.id, enforced)
                    known = True
                if await asyncio.to_thread(deliveries.waits, webhook.id, enforced):
                    await self.deliver(http, webhook, enforced)
            except LetheError as error:
                log.warning("webhook %s: %s", webhook.id, error.code)
            await asyncio.sleep(POLL_S)

    def _enforced(self) -> int:
        """Return the policy version that all live servers enforce."""
        return min((one.version for one in self._lease.list() if one.live), default=0)

    async def deliver(self, http: httpx.AsyncClient, webhook: Webhook, enforced: int) -> None:
        """Deliver what waits, if it is this server's turn, up to the first message that is not taken."""
        deliveries = self._registry.deliveries
        turn = await asyncio.to_thread(deliveries.take, webhook.id, self._owner)
        if turn is None:
            return
        seq, attempts = turn.seq, turn.attempts
        while events := await asyncio.to_thread(self._registry.events, seq, BATCH):
            for event in events:
                try:
                    await post(http, webhook, message_of(event))
                except Refused as refused:
                    if attempts + 1 < MAX_ATTEMPTS:
                        return await self._put_off(webhook, attempts + 1, refused)
                    letter = DeadLetter(webhook.id, event.seq, datetime.now(UTC), attempts + 1, refused.reason)
                    log.error("webhook %s did not take event %d: %s", webhook.id, event.seq, refused.reason)
                    await asyncio.to_thread(deliveries.bury, letter, self._owner, turn.enforced)
                else:
                    await asyncio.to_thread(
                        deliveries.delivered, webhook.id, self._owner, event.seq, turn.enforced
                    )
                seq, attempts = event.seq, 0
        if enforced > turn.enforced:
            try:
                await post(http, webhook, enforced_message(enforced))
            except Refused as refused:
                if attempts + 1 < MAX_ATTEMPTS:
                    return await self._put_off(webhook, attempts + 1, refused)
                # The next version is told instead.
                log.error("webhook %s did not take version %d: %s", webhook.id, enforced, refused.reason)
            await asyncio.to_thread(deliveries.delivered, webhook.id, self._owner, seq, enforced)

    async def _put_off(self, webhook: Webhook, attempts: int, refused: Refused) -> None:
        pause_s = min(2.0 ** (attempts - 1), MAX_PAUSE_S)
        log.warning("webhook %s: %s, again in %.0f s", webhook.id, refused.reason, pause_s)
        await asyncio.to_thread(self._registry.deliveries.failed, webhook.id, self._owner, attempts, pause_s)


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False, verify=trusted())


async def post(http: httpx.AsyncClient, webhook: Webhook, message: Message) -> None:
    """Post a signed message, if the webhook is told this type. Raises Refused for all but a status of 2xx."""
    if not webhook.takes(message.type):
        return
    body = message.body()
    sent = str(int(time.time()))
    headers = {
        "content-type": "application/json",
        "user-agent": "lethe-webhooks",
        "webhook-id": message.id,
        "webhook-timestamp": sent,
        "webhook-signature": signature(webhook.secret, message.id, sent, body),
    }
    try:
        response = await http.post(webhook.url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise Refused(type(error).__name__) from None
    if not response.is_success:
        raise Refused(f"status {response.status_code}")


def signature(secret: SecretStr, id: str, timestamp: str, body: bytes) -> str:
    """Return the `webhook-signature` of a message."""
    made = hmac.digest(key_of(secret), f"{id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(made).decode()}"
