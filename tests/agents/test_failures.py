"""An endpoint that hangs or talks nonsense over real HTTP: declined within the budget, nothing left over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import AsyncOpenAI

from agents.audit import PolicyAudit
from agents.chat import ChatFailed
from agents.ledger import Budget
from agents.openai_chat import OpenAIChat
from agents.pipeline import answer
from agents.reason import Reason
from guard.text.conversation import Message
from tests.agents.actor import Actor, by_role, chat_with, own_clock, pass_time, reply, served
from tests.agents.test_lethe import OWN, lines

ASKED = [Message("user", "Who is Jory Aldine?")]
# Passes by the loop's own clock, once the role that hangs has been asked: the machine may be busy.
MINUTE = Budget(seconds=60)


async def hangs(send: Any) -> None:
    pass_time(MINUTE.seconds)
    await asyncio.Event().wait()


async def hangs_in_its_headers(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await hangs(send)


async def hangs_in_the_middle(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": b'{"choices": [{"message": {"con', "more_body": True})
    await hangs(send)


async def drips(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    while True:
        await send({"type": "http.response.body", "body": b" ", "more_body": True})
        pass_time(MINUTE.seconds / 10)
        await asyncio.sleep(0.01)


def garbage(body: bytes, kind: bytes = b"application/json") -> Any:
    async def said(send: Any) -> None:
        await reply(send, body, kind=kind)

    return said


NONSENSE = {
    "not JSON": garbage(b"\xff\xfe\x00 garbage"),
    "not text": garbage(b"<html>busy</html>", b"text/html"),
    "a list": garbage(b"[]"),
    "null": garbage(b"null"),
    "no choices": garbage(b'{"usage": {"prompt_tokens": 1, "completion_tokens": 1}}'),
    "empty choices": garbage(b'{"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}}'),
    "no usage": garbage(b'{"choices": [{"finish_reason": "stop", "message": {"content": "x"}}]}'),
    "odd usage": garbage(
        b'{"choices": [{"finish_reason": "stop", "message": {"content": "x"}}],'
        b' "usage": {"prompt_tokens": -5, "completion_tokens": "many"}}'
    ),
    "an error": garbage(b'{"error": {"message": "no"}}'),
}


@contextlib.asynccontextmanager
async def nothing_left_over() -> AsyncIterator[None]:
    """No task outlives what is done here."""
    before = asyncio.all_tasks()
    yield
    assert asyncio.all_tasks() - before == set()


async def ask(chat: OpenAIChat, audit: PolicyAudit, budget: Budget = MINUTE) -> Any:
    return await answer(ASKED, (), chat, audit, budget=budget)


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("vanilla", hangs),
        ("vanilla", hangs_in_its_headers),
        ("vanilla", hangs_in_the_middle),
        ("vanilla", drips),
        ("critic", hangs_in_the_middle),
    ],
)
async def test_what_hangs_is_declined_in_time_and_given_up(audit: PolicyAudit, role: str, said: Any) -> None:
    actor = Actor(by_role(**lines(**{role: lambda asked: said})))
    with own_clock():
        async with nothing_left_over(), served(actor) as chat:
            verdict = await ask(chat, audit)
            assert (verdict.text, verdict.reason) == (None, Reason.TIMED_OUT)
            while actor.left < actor.roles.count(role):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_is_declined_without_a_second_try(audit: PolicyAudit, said: Any) -> None:
    actor = Actor(by_role(vanilla=lambda asked: said))
    async with chat_with(actor) as chat:
        verdict = await ask(chat, audit)
    assert (verdict.text, verdict.reason) == (None, Reason.UNREACHABLE)
    assert len(actor.asked) == 1


@pytest.mark.parametrize("status", [400, 401, 429, 500, 503])
async def test_an_error_status_is_declined_without_a_second_try(audit: PolicyAudit, status: int) -> None:
    actor = Actor(by_role(vanilla=status))
    async with chat_with(actor) as chat:
        assert (await ask(chat, audit)).reason is Reason.UNREACHABLE
    assert len(actor.asked) == 1


async def test_an_endpoint_that_is_not_there_is_declined(audit: PolicyAudit) -> None:
    async with served(Actor(by_role())) as chat:
        url = chat.client.base_url
    async with AsyncOpenAI(base_url=url, api_key="unused") as client:
        chat = OpenAIChat(client, "actor", second_provider=False)
        assert (await ask(chat, audit)).reason is Reason.UNREACHABLE


async def test_the_whole_pipeline_over_real_http(audit: PolicyAudit) -> None:
    actor = Actor(by_role(**lines()))
    async with nothing_left_over(), served(actor) as chat:
        verdict = await ask(chat, audit)
    assert verdict.text == "He builds boats."
    assert actor.roles == ["vanilla", "rewrite", "critic", "composer", "critic"]


async def test_a_client_that_leaves_cancels_the_call_in_progress(audit: PolicyAudit) -> None:
    actor = Actor(by_role(**lines(rewrite=lambda asked: hangs)))
    async with nothing_left_over(), served(actor) as chat:
        asking = asyncio.create_task(answer(ASKED, (), chat, audit))
        while "rewrite" not in actor.roles:
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        while not actor.left:
            await asyncio.sleep(0.01)
    assert actor.roles == ["vanilla", "rewrite"]


async def test_no_more_calls_run_at_once_than_there_are_places(audit: PolicyAudit) -> None:
    running, most = 0, 0
    # Each call waits until another runs beside it.
    two = asyncio.Barrier(2)

    async def slow(send: Any) -> None:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await two.wait()
        running -= 1
        await reply(send, b"{}")

    actor = Actor(by_role(vanilla=lambda asked: slow))
    async with chat_with(actor, concurrency=2) as chat:
        await asyncio.gather(*(answer(ASKED, (), chat, audit) for _ in range(6)))
    assert (len(actor.asked), most) == (6, 2)


async def test_waiting_for_a_place_counts_against_the_budget(audit: PolicyAudit) -> None:
    actor = Actor(by_role(vanilla=OWN))
    async with nothing_left_over(), chat_with(actor, concurrency=0) as chat:
        verdict = await ask(chat, audit, Budget(seconds=0.05))
    assert verdict.reason is Reason.TIMED_OUT
    assert actor.asked == []


async def test_the_endpoints_words_are_in_no_error(audit: PolicyAudit) -> None:
    actor = Actor(lambda asked: garbage(b'{"error": {"message": "Brisa"}}'))
    async with chat_with(actor) as chat:
        with pytest.raises(ChatFailed) as failure:
            await chat.complete(ASKED, 1, None, 16, 0.0)
    assert "Brisa" not in repr(failure.value)
    assert failure.value.__suppress_context__
