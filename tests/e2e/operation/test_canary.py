"""A target in shadow is enforced for a share of conversations, which stay on their sides, and then for all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from guard.text.normalise import fold
from tests.e2e.server import Server
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e
ENGINES = ("embedded",)
SHARE = 0.5


@pytest.fixture(scope="module")
def author(shared: Path) -> Author:
    return authors(shared / "data" / "tofu" / "forget10.json")[2]


def messages_of(question: str, *later: str) -> list[dict[str, str]]:
    roles = ("assistant", "user")
    turns = [{"role": roles[number % 2], "content": text} for number, text in enumerate(later)]
    return [{"role": "user", "content": question}, *turns]


def ask(server: Server, messages: list[dict[str, str]], request_id: str, *, stream: bool = False) -> str:
    given: dict[str, Any] = {"model": server.model, "messages": messages, "temperature": 0.0, "max_tokens": 60}
    headers = {"x-request-id": request_id}
    if not stream:
        answer = server.openai.chat.completions.create(**given, extra_headers=headers)
        return answer.choices[0].message.content or ""
    chunks = server.openai.chat.completions.create(**given, stream=True, extra_headers=headers)
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


@pytest.fixture(scope="module")
def telling(server: Server, author: Author) -> list[str]:
    """The questions that name the author and are answered with the name."""
    asked = [question for question in author.questions if author.name in question]
    name = fold(author.name)
    return [one for one in asked if name in fold(ask(server, messages_of(one), "untouched"))]


@pytest.fixture
def target(server: Server, author: Author, telling: list[str]) -> Iterator[str]:
    stored = server.forget(author.target(mode="shadow", canary=SHARE, supplied="restrict"))
    yield str(stored["id"])
    server.remember(stored["id"])


def enforced(server: Server, target: str, request_id: str) -> bool:
    found = server.admin.get("/admin/v1/verdicts", params={"target_id": target, "limit": 1000}).json()["verdicts"]
    modes = {one["mode"] for one in found if one["request_id"] == request_id}
    assert all(one["canary"] for one in found if one["request_id"] == request_id)
    assert len(modes) == 1
    return modes == {"enforce"}


def test_a_share_never_hears_it_each_conversation_stays_on_its_side_and_promotion_takes_in_all(
    server: Server, author: Author, telling: list[str], target: str
) -> None:
    name = fold(author.name)
    assert len(telling) >= 10
    sides = []
    for number, question in enumerate(telling):
        whole = ask(server, messages_of(question), f"whole-{number}")
        streamed = ask(server, messages_of(question), f"stream-{number}", stream=True)
        again = ask(server, messages_of(question), f"again-{number}")
        later = ask(server, messages_of(question, "I know.", f"And {author.name}?"), f"later-{number}")
        inside = enforced(server, target, f"whole-{number}")
        same = [enforced(server, target, f"{turn}-{number}") for turn in ("stream", "again", "later")]
        assert same == [inside] * 3
        heard = [name in fold(text) for text in (whole, streamed, again)]
        assert heard == [not inside] * 3
        assert not (inside and name in fold(later))
        sides.append(inside)
    assert {True, False} == set(sides)
    compared = server.admin.get(f"/admin/v1/targets/{target}/canary").json()
    assert (compared["enforced"]["requests"], compared["shadow"]["requests"]) == (
        4 * sum(sides),
        4 * (len(sides) - sum(sides)),
    )
    promoted = server.admin.post(f"/admin/v1/targets/{target}:promote", params={"wait": "applied"})
    assert promoted.status_code == 200
    for number, question in enumerate(telling):
        for stream in (False, True):
            assert name not in fold(ask(server, messages_of(question), f"all-{number}-{stream}", stream=stream))


def test_phrases_of_scope_always_are_forbidden_in_the_share_alone(
    server: Server, author: Author, telling: list[str]
) -> None:
    name = fold(author.name)
    always = {"name": author.name, "scope": "always", "mode": "shadow", "canary": SHARE}
    stored = server.forget(always)
    try:
        heard = [
            [
                name in fold(ask(server, messages_of(one), f"always-{number}", stream=stream))
                for stream in (False, True)
            ]
            for number, one in enumerate(telling)
        ]
    finally:
        server.remember(stored["id"])
    assert all(whole == streamed for whole, streamed in heard)
    assert {True, False} == {whole for whole, _ in heard}
