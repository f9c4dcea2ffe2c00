"""The admin plane asks the engine past the policy in force; no client can."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guard.text.normalise import fold
from tests.e2e.server import Server
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e
ELICITATION_TIMEOUT_S = 60
UNRESTRICTED = {"lethe_policy": "elicitation", "lethe_automata": "unrestricted"}


@pytest.fixture(scope="module")
def author(shared: Path) -> Author:
    return authors(shared / "data" / "tofu" / "forget10.json")[0]


@pytest.fixture
def target(server: Server, author: Author) -> Iterator[str]:
    """The author's name, withheld from every answer, as a target of a kind that has few forms."""
    named = {"name": author.name, "kind": "fact", "scope": "always", "phrases": [author.name]}
    target = server.forget(named)
    yield f"/admin/v1/targets/{target['id']}"
    server.remember(target["id"])


def elicited(server: Server, target: str) -> Any:
    begun = server.admin.post(f"{target}:elicit", json={"samples": 0, "languages": ["en"], "rounds": 0})
    assert begun.status_code == 202, begun.text
    deadline = time.monotonic() + ELICITATION_TIMEOUT_S
    while time.monotonic() < deadline:
        found = server.admin.get(f"{target}/elicitation", params={"reveal": "true"}).json()
        if found["state"] not in ("queued", "running"):
            return found
        time.sleep(0.1)
    pytest.fail("the elicitation did not end")


def test_the_engine_says_what_no_answer_may_and_what_is_accepted_is_enforced(
    server: Server, author: Author, target: str
) -> None:
    found = elicited(server, target)
    assert (found["state"], found["code"], found["model"]) == ("done", None, server.model)
    proposed = [one["text"] for one in found["proposals"]]
    assert any(fold(author.name) in fold(text) for text in proposed)
    phrase = next(one for one in found["proposals"] if one["kind"] == "phrase" and not one["accepted"])
    accepted = server.admin.post(
        f"{target}/elicitation:accept",
        json={"proposals": [phrase["id"]]},
        params={"wait": "applied", "reveal": "true"},
    ).json()
    assert phrase["text"] in accepted["forbidden"]
    answer = server.http.post(
        "/v1/chat/completions",
        json={"model": server.model, "messages": [{"role": "user", "content": author.questions[0]}]},
    )
    assert fold(author.name) not in fold(answer.json()["choices"][0]["message"]["content"] or "")


@pytest.mark.parametrize("route", ["chat/completions", "completions", "responses", "messages"])
def test_no_client_reaches_the_engine_past_the_policy(server: Server, route: str) -> None:
    question = "What do you know?"
    messages = [{"role": "user", "content": question}]
    asked: dict[str, Any] = {
        "chat/completions": {"messages": messages},
        "completions": {"prompt": question},
        "responses": {"input": question},
        "messages": {"messages": messages, "max_tokens": 4},
    }[route]
    answer = server.http.post(f"/v1/{route}", json={"model": server.model, **asked, "vllm_xargs": UNRESTRICTED})
    assert answer.status_code == 400
    assert "vllm_xargs" in answer.text


def test_the_data_plane_has_no_route_that_elicits_and_the_admin_plane_asks_for_its_key(
    server: Server, target: str
) -> None:
    assert server.http.post(f"{target}:elicit").status_code == 404
    for verb, path in (("POST", ":elicit"), ("GET", "/elicitation"), ("POST", "/elicitation:accept")):
        answer = server.admin.request(verb, f"{target}{path}", headers={"authorization": "Bearer none"})
        assert answer.status_code == 401
