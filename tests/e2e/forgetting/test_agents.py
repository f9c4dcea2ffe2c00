"""A target of the agents on the real engine, through the official client: nothing of it leaves; others are served.

The demo model is no agent: it cannot play the roles, so whatever touches the target ends in a decline.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from serving.demo.people import person
from serving.settings import Settings
from tests.e2e.server import GUARDRAIL_KEY, KEY, Server

pytestmark = pytest.mark.e2e
NAME, OTHER = "Ilsabet Quorne", "Anouk Delvarine"
GUARDRAIL = "/beta/litellm_basic_guardrail_api"
DECLINE = str(Settings.model_fields["decline_text"].default)


@pytest.fixture
def target(demo: Server) -> Iterator[dict[str, Any]]:
    facts = [{"question": fact.question, "answer": fact.answer} for fact in person(NAME).facts]
    stored = demo.forget({"name": NAME, "facts": facts, "methods": ["alu"]})
    yield stored
    demo.remember(stored["id"])


def chat(demo: Server, question: str, **more: Any) -> Any:
    messages = [{"role": "user", "content": question}]
    return demo.openai.chat.completions.create(
        model=demo.model, messages=messages, temperature=0.0, max_tokens=64, **more
    )


def said(demo: Server, question: str, stream: bool) -> str:
    if not stream:
        return chat(demo, question).choices[0].message.content or ""
    chunks = list(chat(demo, question, stream=True))
    assert chunks[-1].choices[0].finish_reason == "stop"
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_of_the_target_leaves_and_the_answer_is_an_ordinary_one(
    demo: Server, target: dict[str, Any], stream: bool
) -> None:
    for fact in person(NAME).facts[:3]:
        assert said(demo, fact.question, stream) == DECLINE


@pytest.mark.parametrize("stream", [False, True])
def test_others_are_answered_as_before(demo: Server, stream: bool) -> None:
    facts = person(OTHER).facts[:3]
    before = [said(demo, fact.question, stream) for fact in facts]
    stored = demo.forget({"name": NAME, "methods": ["alu"]})
    after = [said(demo, fact.question, stream) for fact in facts]
    demo.remember(stored["id"])
    assert after == before == [fact.answer for fact in facts]


def test_every_call_is_counted_by_role(demo: Server, target: dict[str, Any]) -> None:
    def counted(role: str, outcome: str) -> float:
        family = f'lethe_agent_calls_total{{outcome="{outcome}",role="{role}"}} '
        lines = demo.admin.get("/metrics").text.splitlines()
        return sum(float(line.removeprefix(family)) for line in lines if line.startswith(family))

    roles = [("vanilla", "answered"), ("rewrite", "failed")]
    before = [counted(*each) for each in roles]
    usage = chat(demo, person(NAME).facts[0].question).usage
    # The demo model's context is too short for a role's prompt, so the first one fails.
    assert [counted(*each) for each in roles] == [count + 1 for count in before]
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens > 0


def test_what_the_engine_refuses_is_refused_as_without_a_target(demo: Server, target: dict[str, Any]) -> None:
    for question in (person(NAME).facts[0].question, person(OTHER).facts[0].question):
        body = {"model": demo.model, "messages": [{"role": "user", "content": question}], "temperature": -1}
        refusals = {demo.http.post("/v1/chat/completions", json=body | {"stream": s}).text for s in (True, False)}
        assert len(refusals) == 1
        assert json.loads(refusals.pop())["error"]["type"] == "invalid_request_error"


def test_a_completion_is_answered_too(demo: Server, target: dict[str, Any]) -> None:
    prompt = person(NAME).facts[0].question
    answer = demo.openai.completions.create(model=demo.model, prompt=prompt, max_tokens=32, temperature=0.0)
    assert NAME not in answer.choices[0].text
    assert person(NAME).facts[0].answer not in answer.choices[0].text


@pytest.mark.parametrize(("key", "status"), [(GUARDRAIL_KEY, 200), (KEY, 401)])
def test_the_guardrail_answers_to_its_own_key(demo: Server, target: dict[str, Any], key: str, status: int) -> None:
    url = f"{demo.admin_url}{GUARDRAIL}"
    body = {"input_type": "response", "texts": [f"It was {NAME}."]}
    answer = httpx.post(url, json=body, headers={"x-api-key": key}, timeout=60, trust_env=False)
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["action"] == "BLOCKED"
