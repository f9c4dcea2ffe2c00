from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pydantic import SecretStr

from guard.registry.keys.key import Audience, KeyDraft, Role
from guard.registry.keys.keyring import Keyring
from guard.registry.registry import Registry
from serving.access.clients import ANYBODY, ClientOf, Clients

Headers = list[tuple[bytes, bytes]]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Registry(tmp_path / "registry.db")) as registry:
        yield registry


def bearer(secret: str) -> Headers:
    return [(b"authorization", f"Bearer {secret}".encode())]


def test_no_key_is_needed_until_there_is_one(registry: Registry) -> None:
    ring = Keyring(registry.keys)
    clients = Clients([], ring)
    assert clients.client([], counts=True) == ANYBODY
    new = registry.keys.create(KeyDraft(name="chat", audience=Audience.CLIENT))
    ring.refresh()
    assert clients.client([], counts=True) is None
    assert clients.client(bearer(new.secret), counts=True) == ClientOf(key_id=new.key.id)
    registry.keys.revoke(new.key.id)
    ring.refresh()
    assert clients.client([], counts=True) is None
    assert clients.client(bearer(new.secret), counts=True) is None


def test_configured_keys_stay_and_see_all(registry: Registry) -> None:
    clients = Clients([SecretStr("one"), SecretStr("two")], Keyring(registry.keys))
    assert clients.client(bearer("two"), counts=True) == ANYBODY
    assert clients.client([(b"x-api-key", b"one")], counts=True) == ANYBODY
    assert clients.client(bearer("three"), counts=True) is None
    assert clients.client([], counts=True) is None


def test_a_key_brings_its_policy_set_and_models(registry: Registry) -> None:
    draft = KeyDraft(name="chat", audience=Audience.CLIENT, tags=("eu", "staff"), models=("m",))
    new = registry.keys.create(draft)
    clients = Clients([], Keyring(registry.keys))
    expected = ClientOf(frozenset({"eu", "staff"}), ("m",), key_id=new.key.id)
    assert clients.client(bearer(new.secret), counts=True) == expected
    assert clients.client([(b"x-api-key", new.secret.encode())], counts=True) == expected


def test_an_admin_key_is_no_client(registry: Registry) -> None:
    new = registry.keys.create(KeyDraft(name="ops", audience=Audience.ADMIN, role=Role.APPROVER))
    assert Clients([SecretStr("one")], Keyring(registry.keys)).client(bearer(new.secret), counts=True) is None


def test_the_server_asks_itself_under_all_targets(registry: Registry) -> None:
    clients = Clients([SecretStr("one")], Keyring(registry.keys))
    assert clients.client(bearer(clients.own.get_secret_value()), counts=True) == ANYBODY
    assert clients.own.get_secret_value() not in repr(clients.own)


def test_a_key_asks_as_often_as_its_limit_and_again_after_a_while(registry: Registry) -> None:
    clock = Clock()
    new = registry.keys.create(KeyDraft(name="chat", audience=Audience.CLIENT, requests_per_minute=3))
    clients = Clients([], Keyring(registry.keys), clock)

    def wait(*, counts: bool = True) -> int:
        client = clients.client(bearer(new.secret), counts=counts)
        assert client is not None
        return client.retry_after_s

    assert [wait() for _ in range(5)] == [0, 0, 0, 20, 20]
    assert wait(counts=False) == 0
    clock.now = 10.0
    assert wait() == 10
    clock.now = 20.0
    assert [wait() for _ in range(2)] == [0, 20]
    clock.now = 1_000.0
    assert [wait() for _ in range(4)] == [0, 0, 0, 20]
