"""Webhooks get every event, signed, at least once and in order; what they do not take is kept."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from guard.errors import BadSettings
from guard.registry.registry import Registry
from guard.targets.audit_log import Action
from guard.targets.target import Draft
from serving.audit import sender
from serving.audit.sender import MAX_ATTEMPTS, Sender, UnknownWebhook, signature
from serving.audit.webhook import Webhook
from serving.settings import load

pytestmark = pytest.mark.anyio
SECRET = "an-invented-secret-of-a-test"
HOOK = Webhook(url="http://127.0.0.1:9/told", secret=SecretStr(SECRET))
NAMES = ("Ada Quill", "Bo Thistle", "Cy Marrow")
DOCS = Path(__file__).resolve().parents[3] / "docs" / "admin-plane.md"


class FakeLease:
    """Servers that enforce these versions."""

    def __init__(self, *versions: int) -> None:
        self.versions = versions

    def list(self) -> list[Any]:
        return [type("Replica", (), {"version": version, "live": True}) for version in self.versions]


class Receiver:
    """Takes messages, with the status that it is told to answer next (200 by default)."""

    def __init__(self) -> None:
        self.got: list[httpx.Request] = []
        self.statuses: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.got.append(request)
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            raise httpx.ConnectError("connection refused", request=request)
        return httpx.Response(status, headers={"location": "http://169.254.169.254/"})

    @property
    def types(self) -> list[str]:
        return [json.loads(request.content)["type"] for request in self.got]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    receiver = Receiver()
    monkeypatch.setattr(sender, "_client", lambda: httpx.AsyncClient(transport=httpx.MockTransport(receiver)))
    return receiver


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(tmp_path / "lethe.db")
    yield registry
    registry.close()


def of(registry: Registry, *hooks: Webhook, enforced: int = 0) -> Sender:
    return Sender(hooks or (HOOK,), registry, FakeLease(enforced))  # type: ignore[arg-type]


async def told(one: Sender, receiver: Receiver, hook: Webhook = HOOK, enforced: int = 0) -> None:
    async with sender._client() as http:
        await one.deliver(http, hook, enforced)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.002)


async def test_events_are_posted_in_order_from_the_moment_that_the_webhook_is_known(
    registry: Registry, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "POLL_S", 0.001)
    registry.add(Draft(name=NAMES[0]))
    running = asyncio.create_task(of(registry).run())
    await until(lambda: registry.deliveries.position(HOOK.id) == 1)
    target = registry.add(Draft(name=NAMES[1], basis="GDPR"))
    registry.revoke(target.id)
    await until(lambda: len(receiver.got) == 2)
    running.cancel()
    assert receiver.types == ["target.added", "target.revoked"]
    body = json.loads(receiver.got[0].content)
    assert body["data"]["target_id"] == target.id
    assert body["data"].keys() == {"seq", "target_id", "revision", "policy_version", "actor", "digest"}
    assert not any(name.encode() in request.content for request in receiver.got for name in NAMES)


async def test_a_message_is_signed_and_the_example_of_the_page_verifies_it(
    registry: Registry, receiver: Receiver
) -> None:
    registry.deliveries.register(HOOK.id, 0)
    registry.add(Draft(name=NAMES[0]))
    await told(of(registry), receiver)
    (request,) = receiver.got
    code = re.search(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S)
    assert code is not None
    names: dict[str, Any] = {}
    exec(compile(code[1], str(DOCS), "exec"), names)
    is_genuine, headers = names["is_genuine"], dict(request.headers)
    assert is_genuine(headers, request.content, SECRET)
    assert not is_genuine(headers, request.content + b" ", SECRET)
    assert not is_genuine(headers, request.content, SECRET + "s")
    # Sent again later, by somebody who has heard it.
    assert not is_genuine(headers | {"webhook-timestamp": str(int(time.time()) - 301)}, request.content, SECRET)
    earlier = str(int(time.time()) - 301)
    resigned = signature(SecretStr(SECRET), headers["webhook-id"], earlier, request.content)
    old = headers | {"webhook-timestamp": earlier, "webhook-signature": resigned}
    assert not is_genuine(old, request.content, SECRET)


async def test_a_signature_is_that_of_standard_webhooks() -> None:
    # The example that their specification's libraries are tested with.
    secret = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("refusal", [500, 404, 302, 0])
async def test_what_is_not_taken_is_tried_again_and_then_a_dead_letter(
    registry: Registry, receiver: Receiver, refusal: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MAX_PAUSE_S", 0.0)
    registry.deliveries.register(HOOK.id, 0)
    for name in NAMES[:2]:
        registry.add(Draft(name=name))
    receiver.statuses = [refusal] * MAX_ATTEMPTS
    one = of(registry)
    for attempt in range(1, MAX_ATTEMPTS):
        await told(one, receiver)
        assert len(receiver.got) == attempt
        assert registry.deliveries.position(HOOK.id) == 0
    # The last attempt at the first event, and then the second event.
    await told(one, receiver)
    assert registry.deliveries.position(HOOK.id) == 2
    (letter,) = registry.deliveries.dead_letters(HOOK.id)
    assert (letter.seq, letter.attempts) == (1, MAX_ATTEMPTS)
    assert letter.reason == (f"status {refusal}" if refusal else "ConnectError")
    # Always the URL that is configured: no redirect is followed.
    assert {str(request.url) for request in receiver.got} == {HOOK.url}
    # The same id in every attempt.
    assert len({request.headers["webhook-id"] for request in receiver.got}) == 2
    assert one.states()[0].dead_letters == [letter]
    assert await one.deliver_dead(HOOK.id) == 1
    assert registry.deliveries.dead_letters(HOOK.id) == []
    assert receiver.got[-1].headers["webhook-id"] == receiver.got[0].headers["webhook-id"]


async def test_a_failed_attempt_waits_before_the_next(registry: Registry, receiver: Receiver) -> None:
    registry.deliveries.register(HOOK.id, 0)
    registry.add(Draft(name=NAMES[0]))
    receiver.statuses = [503]
    one = of(registry)
    await told(one, receiver)
    assert not registry.deliveries.waits(HOOK.id, 0)
    await told(one, receiver)
    assert len(receiver.got) == 1


async def test_one_of_several_servers_delivers_and_another_takes_over(
    registry: Registry, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.deliveries.register(HOOK.id, 0)
    registry.add(Draft(name=NAMES[0]))
    first, second = of(registry), of(registry)
    await told(first, receiver)
    registry.add(Draft(name=NAMES[1]))
    await told(second, receiver)
    assert len(receiver.got) == 1
    # The first is gone, and its turn ends.
    with registry._database.writing() as connection:
        connection.execute("UPDATE webhooks SET held_until = 0")
    await told(second, receiver)
    assert len(receiver.got) == 2
    # What the first still believes to have delivered counts no more.
    registry.deliveries.delivered(HOOK.id, first._owner, 99, 0)
    assert registry.deliveries.position(HOOK.id) == 2


async def test_a_version_is_told_when_every_server_enforces_it(
    registry: Registry, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "POLL_S", 0.001)
    registry.deliveries.register(HOOK.id, 1)
    lease = FakeLease(1, 1)
    running = asyncio.create_task(Sender((HOOK,), registry, lease).run())  # type: ignore[arg-type]
    lease.versions = (2, 1)
    registry.add(Draft(name=NAMES[0]))
    await until(lambda: len(receiver.got) == 1)
    lease.versions = (2, 3)
    await until(lambda: len(receiver.got) == 2)
    running.cancel()
    assert receiver.types == ["target.added", "policy.enforced"]
    assert json.loads(receiver.got[1].content)["data"] == {"policy_version": 2}


async def test_a_webhook_is_told_the_events_that_it_asks_for(registry: Registry, receiver: Receiver) -> None:
    hook = Webhook(url="http://127.0.0.1:9/", secret=SecretStr(SECRET), events=("target.revoked",))
    registry.deliveries.register(hook.id, 0)
    target = registry.add(Draft(name=NAMES[0]))
    registry.revoke(target.id)
    await told(of(registry, hook), receiver, hook, enforced=2)
    assert receiver.types == ["target.revoked"]
    assert not registry.deliveries.waits(hook.id, 2)


async def test_an_unknown_webhook_is_refused(registry: Registry) -> None:
    with pytest.raises(UnknownWebhook):
        await of(registry).deliver_dead("wh_0")


def test_every_action_can_be_asked_for() -> None:
    events = tuple(f"target.{action.value}" for action in Action)
    assert Webhook(url=HOOK.url, secret=HOOK.secret, events=(*events, "policy.enforced")).events  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        {"url": "ftp://receiver/", "secret": SECRET},
        {"url": "http://", "secret": SECRET},
        {"url": "http://user:word@receiver/", "secret": SECRET},
        {"url": "http://receiver/", "secret": "short"},
        {"url": "http://receiver/", "secret": "whsec_not base64 at all"},
        {"url": "http://receiver/", "secret": SECRET, "events": ["target.sold"]},
        {"url": "http://receiver/", "secret": SECRET, "headers": {}},
        {"url": "http://receiver/"},
    ],
)
def test_a_webhook_that_cannot_be_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Webhook(**given)


def test_webhooks_are_settings_and_their_secrets_are_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LETHE_WEBHOOKS", json.dumps([{"url": HOOK.url, "secret": SECRET}]))
    assert load().webhooks == (HOOK,)
    assert SECRET not in repr(load())
    monkeypatch.setenv("LETHE_WEBHOOKS", f"[{SECRET}")
    with pytest.raises(BadSettings) as refused:
        load()
    assert SECRET not in refused.value.message
    monkeypatch.delenv("LETHE_WEBHOOKS")
    (tmp_path / "lethe.toml").write_text(f'[[webhooks]]\nurl = "{HOOK.url}"\nsecret = "{SECRET}"\n')
    monkeypatch.setenv("LETHE_CONFIG", str(tmp_path / "lethe.toml"))
    assert load().webhooks == (HOOK,)
