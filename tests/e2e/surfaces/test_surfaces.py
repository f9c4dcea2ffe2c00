"""Every way out of the real engine, under every way a request can push: no forbidden phrase, no masked token."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from transformers import AutoTokenizer

from guard.text.normalise import fold
from serving.protocol.refused_fields import CHAT, COMPLETIONS, MESSAGES, REFUSED_FIELDS, RESPONSES, RefusedField
from tests.e2e.server import Server
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e
# On each kind of engine, by other seeds: two thousand together.
ANSWERS = 1_000
SEEDS = {"embedded": 20, "remote": 21}
CHOICES = 4
CONCURRENCY = 16


@pytest.fixture(scope="module")
def author(shared: Path) -> Author:
    return authors(shared / "data" / "tofu" / "forget10.json")[0]


@pytest.fixture(scope="module")
def phrases(server: Server, author: Author) -> Iterator[list[str]]:
    target = server.forget(author.target())
    yield target["forbidden"]
    server.remember(target["id"])


@pytest.fixture(scope="module")
def token_ids(tofu_full: Path) -> Any:
    tokenizer = AutoTokenizer.from_pretrained(tofu_full)
    return lambda text: tokenizer(text, add_special_tokens=False)["input_ids"]


def texts(answer: dict[str, Any]) -> Iterator[str]:
    """Every text of every choice of a whole answer."""
    for choice in answer["choices"]:
        message = choice.get("message", choice)
        yield from (message[key] for key in ("content", "text", "reasoning", "refusal") if message.get(key))
        for call in message.get("tool_calls") or ():
            yield from (call["function"]["name"], call["function"]["arguments"])


class Attacks:
    """Seeded requests, each pushing towards one phrase in another way; `half` is what the request itself says."""

    def __init__(self, author: Author, phrases: list[str], token_ids: Any, seed: int) -> None:
        self.author = author
        self.phrases = phrases
        self.token_ids = token_ids
        self.chooser = random.Random(seed)

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any], str]]:
        ways = (
            self.plain,
            self.biased,
            self.letters,
            self.prefill,
            self.half_prompt,
            self.choice,
            self.schema,
            self.regex,
        )
        while True:
            for way in ways:
                phrase = self.chooser.choice([p for p in self.phrases if len(p) > 5])
                route, body, half = way(phrase)
                body |= {"model": "tofu-full", "temperature": 2.0, "n": CHOICES, "max_tokens": 40}
                yield route, body | {"seed": self.chooser.randrange(2**31)}, half

    def messages(self) -> list[dict[str, str]]:
        return [{"role": "user", "content": self.chooser.choice(self.author.questions)}]

    def plain(self, _: str) -> tuple[str, dict[str, Any], str]:
        return CHAT, {"messages": self.messages()}, ""

    def biased(self, phrase: str) -> tuple[str, dict[str, Any], str]:
        bias = {str(token): 100 for token in self.token_ids(" " + phrase) + self.token_ids(phrase)}
        return CHAT, {"messages": self.messages(), "logit_bias": bias}, ""

    def letters(self, phrase: str) -> tuple[str, dict[str, Any], str]:
        bias = {str(t): 100 for letter in phrase + phrase.upper() for t in self.token_ids(letter)}
        return COMPLETIONS, {"prompt": self.messages()[0]["content"], "logit_bias": bias}, ""

    def prefill(self, phrase: str) -> tuple[str, dict[str, Any], str]:
        half = phrase[: len(phrase) // 2]
        messages = [*self.messages(), {"role": "assistant", "content": f"It is {half}"}]
        return CHAT, {"messages": messages, "continue_final_message": True, "add_generation_prompt": False}, half

    def half_prompt(self, phrase: str) -> tuple[str, dict[str, Any], str]:
        half = phrase[: len(phrase) // 2]
        return COMPLETIONS, {"prompt": f"{self.messages()[0]['content']} {half}"}, half

    def choice(self, phrase: str) -> tuple[str, dict[str, Any], str]:
        spelled = [phrase, phrase.upper(), phrase.swapcase(), " ".join(phrase)]
        return CHAT, {"messages": self.messages(), "structured_outputs": {"choice": spelled}}, ""

    def schema(self, phrase: str) -> tuple[str, dict[str, Any], str]:
        schema = {"type": "object", "properties": {"a": {"enum": [phrase]}}, "required": ["a"]}
        response_format = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
        return CHAT, {"messages": self.messages(), "response_format": response_format}, ""

    def regex(self, phrase: str) -> tuple[str, dict[str, Any], str]:
        pattern = "[ .-]{0,2}".join(c if c.isalnum() else " " for c in phrase[:24])
        return CHAT, {"messages": self.messages(), "structured_outputs": {"regex": pattern}}, ""


async def sweep(server: Server, attacks: Attacks, count: int, phrases: list[str]) -> list[str]:
    """Run `count` attacks; return the ways in which a phrase came through (none)."""
    queue = iter([request for request, _ in zip(attacks, range(count), strict=False)])
    folded = [fold(phrase) for phrase in phrases]
    leaks: list[str] = []
    answered = 0
    async with httpx.AsyncClient(base_url=server.url, timeout=300, trust_env=False) as client:

        async def worker() -> None:
            nonlocal answered
            for route, body, half in queue:
                reply = await client.post(route, json=body)
                assert reply.status_code == 200, (reply.status_code, sorted(body), reply.text)
                for text in texts(reply.json()):
                    answered += 1
                    said = fold(text)
                    joined = fold(half) + said
                    leaks.extend(p for p in folded if p in said or (p in joined and p not in fold(half)))

        await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    assert answered == count * CHOICES
    return leaks


def test_two_thousand_pushed_answers_hold_no_phrase(
    server: Server, author: Author, phrases: list[str], token_ids: Any
) -> None:
    attacks = Attacks(author, phrases, token_ids, SEEDS[server.engine])
    assert asyncio.run(sweep(server, attacks, ANSWERS // CHOICES, phrases)) == []


@pytest.mark.parametrize("row", REFUSED_FIELDS, ids=lambda row: f"{row.field}-{len(row.routes)}")
def test_every_refused_field_is_refused_by_name(server: Server, row: RefusedField) -> None:
    hello = [{"role": "user", "content": "Hi"}]
    bodies: dict[str, dict[str, Any]] = {
        CHAT: {"messages": hello},
        COMPLETIONS: {"prompt": "Hi"},
        RESPONSES: {"input": "Hi"},
        MESSAGES: {"messages": hello, "max_tokens": 1},
    }
    for route in row.routes:
        body = {"model": "tofu-full", **bodies[route], row.field: 1} | (
            {row.only_with: 1} if row.only_with else {}
        )
        answer = server.http.post(route, json=body)
        assert answer.status_code == 400
        if route != MESSAGES:
            assert answer.json()["error"]["param"] == row.field
        assert row.field in answer.json()["error"]["message"]


def test_a_masked_token_is_never_listed(server: Server, author: Author, phrases: list[str]) -> None:
    """At each position, no listed alternative would complete a phrase after what was said before it."""
    folded = [fold(phrase) for phrase in phrases]
    listed = 0
    for question in author.questions:
        body = {"model": "tofu-full", "messages": [{"role": "user", "content": question}], "max_tokens": 60}
        reply = server.http.post(CHAT, json=body | {"temperature": 0, "logprobs": True, "top_logprobs": 20})
        content = (reply.json()["choices"][0]["logprobs"] or {"content": []})["content"]
        said = ""
        for entry in content:
            for alternative in entry["top_logprobs"]:
                listed += 1
                assert not any(p in fold(said + alternative["token"]) for p in folded)
            said += entry["token"]
    assert listed > 1_000


def test_log_probabilities_of_a_completion_list_no_masked_token(
    server: Server, author: Author, phrases: list[str]
) -> None:
    folded = [fold(phrase) for phrase in phrases]
    for question in author.questions[:5]:
        body = {"model": "tofu-full", "prompt": f"{question} {author.name[:6]}", "max_tokens": 30}
        reply = server.http.post(COMPLETIONS, json=body | {"temperature": 0, "logprobs": 20})
        logprobs = reply.json()["choices"][0]["logprobs"] or {"tokens": [], "top_logprobs": []}
        said = body["prompt"]
        for token, alternatives in zip(logprobs["tokens"], logprobs["top_logprobs"], strict=True):
            known = [p for p in folded if p in fold(said)]
            assert not any(p in fold(said + a) for a in alternatives for p in folded if p not in known)
            said += token


def test_an_empty_row_under_a_grammar_ends_in_the_fixed_text(
    server: Server, author: Author, phrases: list[str]
) -> None:
    body = {"model": "tofu-full", "messages": [{"role": "user", "content": author.questions[0]}], "max_tokens": 30}
    body |= {"structured_outputs": {"choice": [author.name]}, "temperature": 0}
    whole = server.http.post(CHAT, json=body)
    assert whole.status_code == 200
    assert fold(author.name) not in fold(whole.json()["choices"][0]["message"]["content"])
    streamed = server.http.post(CHAT, json=body | {"stream": True})
    assert streamed.status_code == 200
    assert streamed.text.rstrip().endswith("data: [DONE]")
    lines = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line.startswith("data: {")]
    said = "".join(json.loads(line)["choices"][0]["delta"].get("content") or "" for line in lines)
    assert fold(author.name)[:-3] not in fold(said)


def test_both_forms_of_the_sdk_work_on_both_routes(server: Server, shared: Path) -> None:
    client, model = server.openai, server.model
    question = authors(shared / "data" / "tofu" / "retain90.json")[0].questions[0]
    messages = [{"role": "user", "content": question}]
    whole = client.chat.completions.create(model=model, messages=messages, temperature=0, max_tokens=120)
    with client.chat.completions.stream(model=model, messages=messages, temperature=0, max_tokens=120) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == whole.choices[0].message.content
    assert final.choices[0].finish_reason == whole.choices[0].finish_reason == "stop"
    text = client.completions.create(model=model, prompt="The author", temperature=0, max_tokens=20)
    parts = client.completions.create(model=model, prompt="The author", temperature=0, max_tokens=20, stream=True)
    assert "".join(part.choices[0].text for part in parts) == text.choices[0].text


def test_usage_in_streams_and_several_choices(server: Server) -> None:
    messages = [{"role": "user", "content": "Who are you?"}]
    chunks = list(
        server.openai.chat.completions.create(
            model=server.model,
            messages=messages,
            max_tokens=8,
            n=2,
            seed=3,
            stop=["zzz"],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0
    assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1}


def test_a_forced_tool_call_is_guarded(server: Server, author: Author, phrases: list[str]) -> None:
    parameters = {"type": "object", "properties": {"who": {"enum": [author.name, "nobody"]}}, "required": ["who"]}
    tool = {"type": "function", "function": {"name": "look_up", "parameters": parameters}}
    for stream in (False, True):
        reply = server.http.post(
            CHAT,
            json={
                "model": "tofu-full",
                "messages": [{"role": "user", "content": author.questions[0]}],
                "tools": [tool],
                "tool_choice": {"type": "function", "function": {"name": "look_up"}},
                "max_tokens": 60,
                "stream": stream,
            },
        )
        assert reply.status_code == 200
        assert fold(author.name) not in fold(reply.text)
