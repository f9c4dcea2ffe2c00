from __future__ import annotations

import json
from typing import Any

import httpx
from starlette.testclient import TestClient

from agents.ledger import Role
from agents.prompts.replies import ReplyFormat, leaks_format, ratings_format
from eval.alu import rule_critic
from tests.eval.alu.fakes import drawn_replies


def test_the_rule_rates_candidates_like_the_dialogues() -> None:
    for data, reply in drawn_replies(Role.CRITIC):
        assert rule_critic.rate_candidates(data) == json.loads(reply)["ratings"]


def test_candidates_of_an_unknown_question_get_the_lowest_rating() -> None:
    data = {
        "subjects": [],
        "question": "Who?",
        "candidates": [{"n": 1, "text": "She."}, {"n": 2, "text": "I."}],
    }
    assert rule_critic.rate_candidates(data) == [1, 1]


def test_only_calls_of_the_critic_are_answered_by_the_rule() -> None:
    data, _ = next(drawn_replies(Role.CRITIC))
    critic, check = ratings_format(len(data["candidates"])), leaks_format(len(data["subjects"]))
    answers = [ask(form, data).json() for form in (critic, check)]
    replies = [answer["choices"][0]["message"]["content"] for answer in answers]
    assert json.loads(replies[0])["ratings"] == rule_critic.rate_candidates(data)
    assert replies[1] == "the model, at most 512 tokens"


def ask(form: ReplyFormat[Any], data: Any) -> httpx.Response:
    def engine(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "m", "max_model_len": 2048}]})
        max_tokens = json.loads(request.content)["max_completion_tokens"]
        reply = f"the model, at most {max_tokens} tokens"
        return httpx.Response(200, json={"choices": [{"message": {"content": reply}}]})

    assert form.schema is not None
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": json.dumps(data)}],
        "max_completion_tokens": 4000,
        "response_format": {"type": "json_schema", "json_schema": {"name": form.schema.name, "schema": {}}},
    }
    with httpx.Client(base_url="http://engine", transport=httpx.MockTransport(engine)) as client:
        return TestClient(rule_critic.critic_application(client)).post("/v1/chat/completions", json=body)
