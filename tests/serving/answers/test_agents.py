"""Requests that touch a target of the agents, through the data plane, with the actor as the engine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.ledger import Budget
from agents.pipeline import Profile
from agents.reason import Reason
from guard.targets.target import Draft, Kind, Method, Scope
from serving.answers.agents import MAX_CHOICES
from tests.agents.actor import Actor, by_role, chat_with
from tests.agents.conftest import BRISA, VASK
from tests.agents.test_lethe import lines, said
from tests.serving.answers.agents_server import CONTEXT, DECLINE, AgentsServer, events, serve_agents, streamed

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
AGENTS = replace(BRISA, methods=(Method.ALU,))
GUARDED = replace(BRISA, methods=(Method.GUARD, Method.ALU))
QUESTION = "Whom did Brisa Okonkwo-Lund marry?"
ASK = {"model": "m", "messages": [{"role": "user", "content": QUESTION}]}
COMPOSED = "He builds boats."


async def post(server: AgentsServer, body: dict[str, Any], route: str = CHAT) -> Any:
    answer = await server.http.post(route, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def content(answer: Any, index: int = 0) -> Any:
    return answer["choices"][index]["message"]["content"]


def xargs(actor: Actor, role: str) -> Any:
    return next(asked.body["vllm_xargs"] for asked in actor.asked if asked.role == role)


async def test_a_leak_is_rewritten_and_the_composed_text_answers(tmp_path: Path) -> None:
    actor = Actor(by_role(**lines()))
    async with serve_agents(tmp_path, actor, AGENTS) as server:
        answer = await post(server, ASK)
        (verdict,) = server.verdicts
    assert actor.roles == ["vanilla", "rewrite", "critic", "composer", "critic"]
    assert answer["object"] == "chat.completion"
    (choice,) = answer["choices"]
    assert choice["message"] == {"role": "assistant", "content": COMPOSED, "refusal": None}
    assert (choice["finish_reason"], choice["logprobs"]) == ("stop", None)
    assert verdict.reason is Reason.COMPOSED


async def test_usage_counts_every_call(tmp_path: Path) -> None:
    async with serve_agents(tmp_path, Actor(by_role(**lines())), AGENTS) as server:
        usage = (await post(server, ASK))["usage"]
        counted = server.verdicts[0].usage
    assert len(server.verdicts[0].items) == 5
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == counted
    assert usage["total_tokens"] == sum(counted)


async def test_a_question_about_nobody_goes_to_the_engine_alone(tmp_path: Path) -> None:
    actor = Actor(by_role(vanilla="The moon."))
    async with serve_agents(tmp_path, actor, AGENTS) as server:
        assert content(await post(server, {**ASK, "messages": [{"role": "user", "content": "Why tides?"}]}))
        assert server.verdicts == []
    assert actor.roles == ["vanilla"]


async def test_a_clean_answer_is_the_engines_own_choice(tmp_path: Path) -> None:
    actor = Actor(by_role(**lines(vanilla="I could not say.")))
    async with serve_agents(tmp_path, actor, AGENTS) as server:
        assert content(await post(server, ASK)) == "I could not say."
    assert actor.roles == ["vanilla", "check"]


async def test_a_declined_answer_is_the_fixed_text_and_looks_like_any_other(tmp_path: Path) -> None:
    async with serve_agents(tmp_path, Actor(by_role(**lines(rewrite=said(None)))), AGENTS) as server:
        declined = await server.http.post(CHAT, json=ASK)
    async with serve_agents(tmp_path / "b", Actor(by_role(vanilla="Yes.")), VASK) as server:
        plain = await server.http.post(CHAT, json=ASK)
    assert content(declined.json()) == DECLINE
    assert declined.status_code == plain.status_code
    assert declined.headers.keys() == plain.headers.keys()
    assert declined.json()["choices"][0].keys() >= {"index", "message", "finish_reason"}


class TestThePolicyOnTheWay:
    async def test_a_target_of_the_agents_alone_leaves_the_own_answer_free_and_binds_the_roles(
        self, tmp_path: Path
    ) -> None:
        actor = Actor(by_role(**lines()))
        async with serve_agents(tmp_path, actor, AGENTS) as server:
            await post(server, ASK)
        assert xargs(actor, "vanilla")["lethe_automata"] == ""
        assert len(xargs(actor, "rewrite")["lethe_automata"]) > 10
        assert {a.body["vllm_xargs"]["lethe_policy"] for a in actor.asked} == {
            xargs(actor, "vanilla")["lethe_policy"]
        }

    async def test_after_guard_the_own_answer_is_restricted_too(self, tmp_path: Path) -> None:
        actor = Actor(by_role(**lines()))
        async with serve_agents(tmp_path, actor, GUARDED) as server:
            await post(server, ASK)
        assert xargs(actor, "vanilla") == xargs(actor, "rewrite")
        assert xargs(actor, "vanilla")["lethe_automata"]

    async def test_a_literal_of_scope_always_binds_every_call(self, tmp_path: Path) -> None:
        literal = Draft(name="gate code", kind=Kind.SECRET, phrases=("zx-4471-q",), scope=Scope.ALWAYS)
        actor = Actor(by_role(**lines()))
        async with serve_agents(tmp_path, actor, AGENTS, literal) as server:
            await post(server, ASK)
        digest = xargs(actor, "vanilla")["lethe_automata"]
        assert digest
        assert all(digest in asked.body["vllm_xargs"]["lethe_automata"] for asked in actor.asked)

    async def test_the_output_guard_reads_composed_text_whatever_the_audit_let_pass(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("agents.audit.PolicyAudit.find_leaks", lambda *_: ())
        actor = Actor(by_role(**lines(vanilla="Yes. Brisa Okonkwo-Lund", check='{"leaks": []}')))
        async with serve_agents(tmp_path, actor, AGENTS) as server:
            answer = await server.http.post(CHAT, json=ASK)
        assert "Okonkwo" not in answer.text

    async def test_a_reply_is_asked_no_longer_than_a_quarter_of_the_context(self, tmp_path: Path) -> None:
        actor = Actor(by_role(**lines()))
        async with serve_agents(tmp_path, actor, AGENTS) as server:
            await post(server, ASK)
        asked = [a.body["max_completion_tokens"] for a in actor.asked if a.role != "vanilla"]
        assert max(asked) == CONTEXT // 4


class TestStreams:
    @pytest.mark.parametrize("script", [lines(), lines(rewrite=said(None)), lines(vanilla="I could not say.")])
    async def test_a_stream_says_what_a_whole_answer_says(self, tmp_path: Path, script: dict[str, Any]) -> None:
        async with serve_agents(tmp_path, Actor(by_role(**script)), AGENTS) as server:
            whole = content(await post(server, ASK))
            script["critic"] = lines()["critic"]
        async with serve_agents(tmp_path / "b", Actor(by_role(**script)), AGENTS) as server:
            answer = await server.http.post(CHAT, json={**ASK, "stream": True})
        chunks = events(answer.text)
        assert streamed(chunks) == whole
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
        assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
        assert chunks[-1]["choices"][0]["finish_reason"] == "stop"

    async def test_usage_comes_last_when_it_is_asked_for(self, tmp_path: Path) -> None:
        body = {**ASK, "stream": True, "stream_options": {"include_usage": True}}
        async with serve_agents(tmp_path, Actor(by_role(**lines())), AGENTS) as server:
            *_, last = events((await server.http.post(CHAT, json=body)).text)
            assert last["choices"] == []
            assert last["usage"]["total_tokens"] == sum(server.verdicts[0].usage)

    async def test_a_completion_streams_as_completions_do(self, tmp_path: Path) -> None:
        body = {"model": "m", "prompt": QUESTION, "stream": True}
        async with serve_agents(tmp_path, Actor(by_role(**lines())), AGENTS) as server:
            chunks = events((await server.http.post(COMPLETIONS, json=body)).text)
        assert "".join(chunk["choices"][0]["text"] for chunk in chunks) == COMPOSED
        assert {chunk["object"] for chunk in chunks} == {"text_completion"}


class TestWhatTheRequestAsks:
    async def test_the_own_answer_is_asked_with_the_clients_own_parameters(self, tmp_path: Path) -> None:
        actor = Actor(by_role(**lines()))
        body = {**ASK, "temperature": 0.3, "top_p": 0.5, "max_tokens": 77, "stream": True}
        async with serve_agents(tmp_path, actor, AGENTS) as server:
            await server.http.post(CHAT, json=body)
        first = actor.asked[0].body
        assert {key: first.get(key) for key in body} == {**body, "stream": None}

    async def test_each_of_n_choices_is_a_pipeline_of_its_own_with_its_own_seed(self, tmp_path: Path) -> None:
        actor = Actor(by_role(**lines(critic=lambda asked: json.dumps({"ratings": [5] * _candidates(asked)}))))
        async with serve_agents(tmp_path, actor, AGENTS) as server:
            answer = await post(server, {**ASK, "n": 3, "seed": 5})
        assert [content(answer, index) for index in range(3)] == [COMPOSED] * 3
        assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
        assert sorted(a.body["seed"] for a in actor.asked if a.role == "vanilla") == [5, 6, 7]
        assert answer["usage"]["total_tokens"] == sum(sum(verdict.usage) for verdict in server.verdicts)

    async def test_more_choices_than_it_would_pay_for_are_declined_once_the_engine_would_take_them(
        self, tmp_path: Path
    ) -> None:
        actor = Actor(by_role(**lines()))
        async with serve_agents(tmp_path, actor, AGENTS) as server:
            answer = await post(server, {**ASK, "n": MAX_CHOICES + 1})
        assert {content(answer, index) for index in range(MAX_CHOICES + 1)} == {DECLINE}
        # The engine's own judgement of the request.
        assert [asked.body["n"] for asked in actor.asked] == [MAX_CHOICES + 1]

    async def test_every_prompt_of_a_completion_is_answered_in_its_place(self, tmp_path: Path) -> None:
        actor = Actor(by_role(**lines(vanilla=lambda asked: f"I could not say {len(asked.body['prompt'])}.")))
        async with serve_agents(tmp_path, actor, AGENTS) as server:
            answer = await post(server, {"model": "m", "prompt": [QUESTION, QUESTION + "?"]}, COMPLETIONS)
        assert [choice["text"] for choice in answer["choices"]] == [
            f"I could not say {len(QUESTION)}.",
            f"I could not say {len(QUESTION) + 1}.",
        ]

    async def test_an_echo_stands_before_the_composed_text(self, tmp_path: Path) -> None:
        sayable = replace(AGENTS, exceptions=AGENTS.aliases)
        prompt = "Whom did the ferry cellist marry? "
        async with serve_agents(tmp_path, Actor(by_role(**lines())), sayable) as server:
            answer = await post(server, {"model": "m", "prompt": prompt, "echo": True}, COMPLETIONS)
        assert answer["choices"][0]["text"] == prompt + COMPOSED

    async def test_an_echo_is_guarded_as_everything_that_leaves(self, tmp_path: Path) -> None:
        async with serve_agents(tmp_path, Actor(by_role(**lines())), AGENTS) as server:
            answer = await server.http.post(COMPLETIONS, json={"model": "m", "prompt": QUESTION, "echo": True})
        assert "Okonkwo" not in answer.text

    async def test_stop_strings_and_length_hold_for_composed_text(self, tmp_path: Path) -> None:
        async with serve_agents(tmp_path, Actor(by_role(**lines())), AGENTS) as server:
            stopped = await post(server, {**ASK, "stop": "boats"})
        async with serve_agents(tmp_path / "b", Actor(by_role(**lines())), AGENTS) as server:
            short = await post(server, {**ASK, "max_tokens": 2})
        assert content(stopped) == "He builds "
        assert (content(short), short["choices"][0]["finish_reason"]) == ("He builds", "length")

    @pytest.mark.parametrize(
        "bound",
        [
            {"response_format": {"type": "json_object"}},
            {"tools": [{"type": "function", "function": {"name": "find"}}]},
        ],
    )
    async def test_what_must_keep_a_form_leaves_unchanged_or_not_at_all(
        self, tmp_path: Path, bound: dict[str, Any]
    ) -> None:
        async with serve_agents(tmp_path, Actor(by_role(**lines())), AGENTS) as server:
            assert content(await post(server, {**ASK, **bound})) == DECLINE
        async with serve_agents(tmp_path / "b", Actor(by_role(**lines(vanilla='{"a": 1}'))), AGENTS) as server:
            assert content(await post(server, {**ASK, **bound})) == '{"a": 1}'

    @pytest.mark.parametrize("stream", [False, True])
    async def test_a_request_the_engine_refuses_is_refused_as_ever(self, tmp_path: Path, stream: bool) -> None:
        async with serve_agents(tmp_path, Actor(by_role(vanilla=400)), AGENTS) as server:
            answer = await server.http.post(CHAT, json={**ASK, "temperature": -1, "stream": stream})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "invalid_value"


def _candidates(asked: Any) -> int:
    return len(asked.data["candidates"])


async def test_the_published_pipeline_is_told_every_target(tmp_path: Path) -> None:
    script = lines(
        check='{"leaks": [{"subject": 1, "how": "direct"}]}',
        rewrite=json.dumps({"rewrites": [COMPOSED] * 5}),
        critic="All fine.",
        parse=json.dumps({"ratings": [5] * 5}),
        composer=COMPOSED,
    )
    actor = Actor(by_role(**script))
    async with serve_agents(tmp_path, actor, AGENTS, VASK, profile=Profile.PAPER) as server:
        assert content(await post(server, ASK)) == COMPOSED
    assert actor.roles == ["vanilla", "check", "rewrite", "critic", "parse", "composer"]
    names = {subject["name"] for subject in actor.asked[1].data["subjects"]}
    assert names == {"Brisa Okonkwo-Lund", "Teodor Vask"}


KEY = Draft(name="Heron Key", kind=Kind.SECRET, facts=BRISA.facts, methods=(Method.ALU,))
ASK_KEY = {**ASK, "messages": [{"role": "user", "content": "What is the Heron Key?"}]}


class TestASecondProvider:
    @pytest.mark.parametrize(("shared", "asked"), [(False, 0), (True, 4)])
    async def test_plays_the_roles_and_hears_of_secrets_only_when_shared(
        self, tmp_path: Path, shared: bool, asked: int
    ) -> None:
        engine, other = Actor(by_role(**lines())), Actor(by_role(**lines()))
        target = replace(KEY, shared=shared)
        async with (
            chat_with(other, second_provider=True) as second,
            serve_agents(tmp_path, engine, target, BRISA, second=second) as server,
        ):
            answer = await post(server, ASK_KEY)
        assert (engine.roles, len(other.asked)) == (["vanilla"], asked)
        assert content(answer) == (COMPOSED if shared else DECLINE)
        assert all("vllm_xargs" not in call.body for call in other.asked)


async def test_a_budget_of_the_settings_ends_in_a_decline(tmp_path: Path) -> None:
    async with serve_agents(tmp_path, Actor(by_role(**lines())), AGENTS, budget=Budget(calls=2)) as server:
        assert content(await post(server, ASK)) == DECLINE
        assert server.verdicts[0].reason is Reason.BUDGET
