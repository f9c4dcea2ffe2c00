"""An engine that hangs, fails or talks nonsense under the agents, through the data plane."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.ledger import Budget
from serving.answers import application
from serving.http.asgi import replay
from serving.http.asgi_client import json_scope
from tests.agents.actor import Actor, by_role, own_clock
from tests.agents.test_failures import (
    MINUTE,
    NONSENSE,
    drips,
    hangs,
    hangs_in_its_headers,
    hangs_in_the_middle,
    nothing_left_over,
)
from tests.agents.test_lethe import lines
from tests.serving.answers.agents_server import DECLINE, events, serve_agents, streamed
from tests.serving.answers.test_agents import AGENTS, ASK, CHAT, content, post


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("role", ["vanilla", "rewrite"])
@pytest.mark.parametrize("said", [hangs, hangs_in_its_headers, hangs_in_the_middle, drips])
async def test_what_hangs_is_declined_within_the_budget_and_given_up(
    tmp_path: Path, said: Any, role: str, stream: bool
) -> None:
    actor = Actor(by_role(**lines(**{role: lambda asked: said})))
    with own_clock():
        async with nothing_left_over(), serve_agents(tmp_path, actor, AGENTS, budget=MINUTE) as server:
            answer = await server.http.post(CHAT, json={**ASK, "stream": stream})
    assert (streamed(events(answer.text)) if stream else content(answer.json())) == DECLINE
    assert actor.left == 1


@pytest.mark.parametrize("role", ["vanilla", "critic"])
@pytest.mark.parametrize("said", [*NONSENSE.values(), 500, 503, 429], ids=[*NONSENSE, "500", "503", "429"])
async def test_nonsense_and_failures_are_declined(tmp_path: Path, role: str, said: Any) -> None:
    script = lines(**{role: (lambda asked: said) if callable(said) else said})
    async with nothing_left_over(), serve_agents(tmp_path, Actor(by_role(**script)), AGENTS) as server:
        answer = await server.http.post(CHAT, json=ASK)
    if (role, said) == ("vanilla", 429):
        assert answer.status_code == 429
    else:
        assert (answer.status_code, content(answer.json())) == (200, DECLINE)


async def test_a_number_of_choices_beyond_measure_is_the_engines_to_refuse(tmp_path: Path) -> None:
    async with serve_agents(tmp_path, Actor(by_role(vanilla=400)), AGENTS) as server:
        answer = await server.http.post(CHAT, json={**ASK, "n": 2**62})
    assert answer.status_code == 400


async def test_waiting_for_a_place_counts_against_the_budget(tmp_path: Path) -> None:
    actor = Actor(by_role(**lines()))
    async with serve_agents(tmp_path, actor, AGENTS, budget=Budget(seconds=0.05), concurrency=0) as server:
        assert content(await post(server, ASK)) == DECLINE
    assert actor.asked == []


async def test_a_streaming_client_sees_that_the_server_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "KEEP_ALIVE_PERIOD_S", 0.05)

    async def hangs_for_a_while(send: Any) -> None:
        await asyncio.sleep(4 * application.KEEP_ALIVE_PERIOD_S)
        await hangs(send)

    actor = Actor(by_role(**lines(rewrite=lambda asked: hangs_for_a_while)))
    with own_clock():
        async with serve_agents(tmp_path, actor, AGENTS, budget=MINUTE) as server:
            answer = await server.http.post(CHAT, json={**ASK, "stream": True})
    first, *_ = answer.text.split("\n\n")
    assert first.startswith(":")
    assert "Okonkwo" not in answer.text
    assert streamed(events(answer.text)) == DECLINE


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_has_the_call_in_progress_given_up(tmp_path: Path, stream: bool) -> None:
    actor = Actor(by_role(**lines(rewrite=lambda asked: hangs)))
    sent: list[Any] = []
    leaving = asyncio.Event()

    async def gone() -> Any:
        await leaving.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    body = orjson.dumps({**ASK, "stream": stream})
    async with nothing_left_over(), serve_agents(tmp_path, actor, AGENTS) as server:
        asking = asyncio.create_task(server.plane(json_scope(CHAT, len(body)), replay(body, gone), send))
        while "rewrite" not in actor.roles:
            await asyncio.sleep(0.01)
        leaving.set()
        await asking
    assert actor.left == 1
    assert actor.roles == ["vanilla", "rewrite"]
    assert not any(message["type"] == "http.response.start" for message in sent)
