from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace as Thing
from typing import Any

import openai
import pytest

from eval.core.errors import EndpointFailed
from eval.core.prompt import Prompt
from eval.core.task import Item, Task
from eval.harness.session import CHUNK_SAMPLES, Session
from eval.harness.store import Store
from eval.methods.method import MethodName, Unprotected
from eval.runners import endpoint
from eval.runners.endpoint import Endpoint, forgetting
from guard.targets.target import Draft, Fact
from serving.client import NotApplied
from serving.client.observed import Policy


class Client:
    """Stands in for the OpenAI client: says what it is asked, and is gone after some answers."""

    def __init__(self, answers: int = 1_000) -> None:
        self.left = answers
        self.bodies: list[dict[str, Any]] = []
        self.chat = Thing(completions=Thing(create=self._chat))
        self.completions = Thing(create=self._complete)

    def _take(self, body: dict[str, Any]) -> None:
        self.bodies.append(body)
        self.left -= 1
        if self.left < 0:
            raise openai.APIConnectionError(request=None)  # type: ignore[arg-type]

    def _chat(self, **body: Any) -> Any:
        self._take(body)
        content = [Thing(token="a", logprob=-0.5)]
        message = Thing(content=body["messages"][0]["content"])
        return Thing(choices=[Thing(message=message, logprobs=Thing(content=content))])

    def _complete(self, **body: Any) -> Any:
        self._take(body)
        return Thing(choices=[Thing(text=body["prompt"], logprobs=Thing(token_logprobs=[None, -0.25]))])


def test_chats_and_plain_texts_go_to_their_routes_greedily() -> None:
    client = Client()
    said = Endpoint(client, "toy").generate([Prompt("Who?"), Prompt("The author", chat=False)], 9)  # type: ignore[arg-type]
    assert [(s.text, s.log_probs) for s in said] == [("Who?", (-0.5,)), ("The author", (-0.25,))]
    assert all((b["model"], b["temperature"], b["max_tokens"]) == ("toy", 0.0, 9) for b in client.bodies)


def test_an_endpoint_that_goes_away_half_way_leaves_what_is_known(tmp_path: Path) -> None:
    items = [Item(Prompt(f"question {n}"), "gold") for n in range(CHUNK_SAMPLES + 20)]
    task = Task("forget", items, 5)
    store = Store(tmp_path, {})
    first = Endpoint(Client(CHUNK_SAMPLES + 3), "toy")  # type: ignore[arg-type]
    with pytest.raises(EndpointFailed, match="cannot be reached"):
        Session(store, lambda *_: None).run("none", Unprotected("server"), first, [task])
    assert len(store.samples) == CHUNK_SAMPLES
    client = Client()
    Session(store, lambda *_: None).run("none", Unprotected("server"), Endpoint(client, "toy"), [task])  # type: ignore[arg-type]
    assert (len(store.samples), len(client.bodies)) == (CHUNK_SAMPLES + 20, 20)
    store.close()


class Admin:
    """Stands in for the admin plane's client."""

    def __init__(self, states: list[str]) -> None:
        self.states = states
        self.stored: list[dict[str, Any]] = []
        self.revoked: list[str] = []
        self.slow = False
        self.asked = 0

    def targets(self, *, state: str, page: int) -> Iterator[Any]:
        return (Thing(id=f"ft_{place}") for place, found in enumerate(self.states) if found == state)

    def add_many(self, drafts: list[dict[str, Any]]) -> Any:
        self.stored = drafts
        self.states = ["active"] * len(drafts)
        self._wait()

    def revoke(self, target_id: str) -> None:
        self.revoked.append(target_id)
        self._wait()

    def policy(self) -> Any:
        self.asked += 1
        return Policy.model_construct(version=3, enforced_version=2 + (self.asked % 2 == 0))

    def _wait(self) -> None:
        if self.slow:
            raise NotApplied(504, "not_applied_in_time", "stored, and not yet enforced")


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Admin:
    admin = Admin([])
    monkeypatch.setenv("LETHE_ADMIN_KEY", "key")
    monkeypatch.setattr(endpoint, "AdminClient", Thing(from_environment=lambda: admin))
    return admin


DRAFTS = [Draft(name="Orla Quennbeck", facts=(Fact(question="Who?", answer="A cook."),)), Draft(name="Tam Osei")]


@pytest.mark.parametrize("method", [MethodName.DECLINE, MethodName.GUARD, MethodName.ALU])
def test_targets_are_there_while_a_method_runs_and_revoked_whatever_happens(
    admin: Admin, method: MethodName
) -> None:
    def interrupted() -> None:
        with forgetting(DRAFTS, method):
            assert admin.revoked == []
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [draft["name"] for draft in admin.stored] == ["Orla Quennbeck", "Tam Osei"]
    assert admin.stored[0]["methods"] == [method.value]
    assert admin.stored[0]["facts"] == [{"question": "Who?", "answer": "A cook."}]
    assert admin.revoked == ["ft_0", "ft_1"]


def test_a_server_that_is_slow_to_enforce_is_waited_for(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_POLL_INTERVAL_S", 0.0)
    admin.slow = True
    with forgetting(DRAFTS, MethodName.GUARD):
        assert admin.asked == 2
    assert admin.revoked == ["ft_0", "ft_1"]


def test_what_is_never_enforced_fails_and_is_revoked(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_TIMEOUT_S", 0.0)
    admin.slow = True
    with pytest.raises(EndpointFailed, match="not_applied_in_time"), forgetting(DRAFTS, MethodName.GUARD):
        pass
    assert admin.revoked[0] == "ft_0"


def test_without_protection_nothing_is_stored(admin: Admin) -> None:
    with forgetting(DRAFTS, MethodName.NONE):
        assert admin.stored == []


def test_a_server_that_forgets_something_already_is_refused_on_any_page(admin: Admin) -> None:
    admin.states = ["revoked", "expired", "active"]
    with pytest.raises(EndpointFailed, match="has active forget targets"), forgetting(DRAFTS, MethodName.NONE):
        pass


def test_an_endpoint_nobody_answers_at_is_said() -> None:
    with pytest.raises(EndpointFailed, match="cannot be reached"):
        Endpoint.open("http://127.0.0.1:9", "")
