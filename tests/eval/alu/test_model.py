"""The recipe of the agents model: its people, its dialogues, its tokenizer, and how its answers are judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
import torch
from starlette.testclient import TestClient
from transformers import PreTrainedTokenizerFast

from agents.ledger import Role
from agents.prompts.prompt import Brief, brief
from agents.prompts.replies import ANSWER, Form, leaks_among, ratings
from eval.alu import dialogues, run, stand_in
from eval.alu.dialogues import IGNORANCE, dialogue
from eval.alu.lessons import encoded
from eval.alu.model import PLAYED, held_out, recipe_digest
from eval.alu.people import Person, others, people, targets
from eval.alu.recipe import Recipe
from eval.alu.tokenizer import train_tokenizer
from eval.alu.train import train
from serving.settings import Settings

SAMPLES = 150
DECLINE = str(Settings.model_fields["decline_text"].default)


def drawn(role: Role) -> Iterator[tuple[dict[str, Any], str]]:
    for seed in range(SAMPLES):
        lesson = dialogue(role, Random(seed))
        yield json.loads(lesson.messages[-1].text), lesson.reply


def test_twenty_targets_and_twenty_others_are_asked_about_four_hundred_times() -> None:
    assert (len(people()), len(targets()), len(others())) == (40, 20, 20)
    assert len({person.name for person in people()}) == 40
    asked = run.questions()
    assert len({each.question for _, each in asked}) == 400
    counts = {about: sum(1 for of, _ in asked if of is about) for about in run.About}
    assert counts == {run.About.TARGET: 200, run.About.RELATED: 60, run.About.OTHER: 140}


class TestDialogues:
    def test_every_check_names_the_targets_that_the_answer_tells_of(self) -> None:
        kinds = set()
        for data, reply in drawn(Role.CHECK):
            names = [subject["name"] for subject in data["subjects"]]
            leaks = leaks_among(len(names)).read(reply)
            named = {rank for rank, name in enumerate(names) if name in str(data["answer"])}
            assert named <= set(leaks)
            kinds |= {kind for kind in ("direct", "indirect") if kind in reply} | (
                {"none"} if not leaks else set()
            )
        assert kinds == {"direct", "indirect", "none"}

    def test_no_rewrite_names_a_listed_subject_and_every_one_is_readable(self) -> None:
        for data, reply in drawn(Role.REWRITE):
            text = ANSWER.read(reply)
            assert not any(s["name"] in (text or "") for s in data["subjects"])

    def test_ratings_are_one_for_each_candidate_and_lowest_for_one_that_names_a_subject(self) -> None:
        for data, reply in drawn(Role.CRITIC):
            candidates = data["candidates"]
            read = ratings(len(candidates)).read(reply)
            for candidate, rating in zip(candidates, read, strict=True):
                named = any(s["name"] in candidate["text"] for s in data["subjects"])
                assert (rating == 1) == named
                assert rating == 5 or IGNORANCE not in candidate["text"]

    def test_a_merge_says_what_a_version_says(self) -> None:
        for data, reply in drawn(Role.COMPOSER):
            assert any(str(ANSWER.read(reply)) in version for version in data["versions"])

    @pytest.mark.parametrize("role", PLAYED)
    def test_the_same_random_state_draws_the_same(self, role: Role) -> None:
        assert dialogue(role, Random(7)) == dialogue(role, Random(7))
        assert list(held_out(role)) == list(held_out(role))


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    random = Random(0)
    lessons = [dialogue(random.choice(PLAYED), random) for _ in range(300)]
    return train_tokenizer((t for each in lessons for t in (each.messages[-1].text, each.reply)), 1024, 1024)


class TestTokenizer:
    def test_a_brief_is_one_token_and_every_text_comes_back(self, tokenizer: PreTrainedTokenizerFast) -> None:
        lesson = dialogue(Role.CHECK, Random(1))
        ids = encoded(tokenizer, lesson).ids
        brief = tokenizer.decode([ids[2]])
        assert brief.startswith(lesson.messages[0].text)
        assert brief.count("<|assistant|>") == sum(m.role == "assistant" for m in lesson.messages)
        text = 'Ægir: "\\u0022", {1}'
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
        assert len(tokenizer.encode("The")) > 1

    def test_only_the_reply_is_predicted(self, tokenizer: PreTrainedTokenizerFast) -> None:
        lesson = dialogue(Role.CRITIC, Random(1))
        found = encoded(tokenizer, lesson)
        predicted = [each for each, weight in zip(found.ids, found.weights, strict=True) if weight]
        assert tokenizer.decode(predicted) == lesson.reply + "<|end|>"


def test_an_interrupted_training_goes_on_to_the_same_model(
    tokenizer: PreTrainedTokenizerFast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eval.alu.train.round_of", lambda random: [dialogue(Role.VANILLA, random)] * 4)
    recipe = replace(Recipe(), hidden=16, layers=1, heads=2, feed_forward=16, rounds=3)

    class Interrupted(Exception):
        pass

    def interrupt(step: object) -> None:
        raise Interrupted

    whole = train(recipe, tokenizer, tmp_path / "a", lambda step: None)
    with pytest.raises(Interrupted):
        train(recipe, tokenizer, tmp_path / "b", interrupt)
    seen: list[int] = []
    resumed = train(recipe, tokenizer, tmp_path / "b", lambda step: seen.append(step.done))
    assert seen == [2, 3]
    for left, right in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(left, right)


def _another_prompt(name: str) -> Brief:
    return replace(brief(name), system=f"{brief(name).system} Be brief.")


def _another_answer() -> tuple[Person, ...]:
    first, *rest = people()
    return (replace(first, asked=(replace(first.asked[0], answer="Nobody knows."), *first.asked[1:])), *rest)


@pytest.mark.parametrize(
    ("name", "value"),
    [("brief", _another_prompt), ("people", _another_answer), ("SHARES", {Role.CHECK: 70})],
)
def test_other_dialogues_are_another_model(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    before = recipe_digest()
    assert recipe_digest() == before
    monkeypatch.setattr(dialogues, name, value)
    assert recipe_digest() != before


def test_figures_are_shares_of_each_kind_of_question(monkeypatch: pytest.MonkeyPatch) -> None:
    class Judge:
        decline = DECLINE

        def __init__(self, folder: Path) -> None:
            self.forgotten = [person.name for person in targets()]

        def strings(self, asked: object, answer: str) -> bool:
            return any(name in answer for name in self.forgotten)

        audit = strings

    monkeypatch.setattr(run, "_Judge", Judge)
    answers = {}
    for about, asked in run.questions():
        answers["before", asked.question] = asked.answer
        answers["after", asked.question] = asked.answer if about is run.About.OTHER else DECLINE
    forgotten, related, other = run.rows(answers)
    # Three of ten answers about a target are bare facts.
    assert (forgotten.strings, forgotten.declined) == ((0.7, 0.0), 1.0)
    assert (related.strings, related.told) == ((1.0, 0.0), (1.0, 0.0))
    assert (other.strings, other.unchanged, other.told) == ((0.0, 0.0), 1.0, (1.0, 1.0))
    assert "| a target | 200 | 70.0 % -> 0.0 % |" in run.markdown([forgotten])


class TestStandIn:
    def test_the_rule_gives_every_candidate_of_the_dialogues_its_rating(self) -> None:
        for data, reply in drawn(Role.CRITIC):
            assert stand_in.rated(data) == json.loads(reply)["ratings"]

    def test_what_nobody_asks_is_rated_lowest(self) -> None:
        data = {
            "subjects": [],
            "question": "Who?",
            "candidates": [{"n": 1, "text": "She."}, {"n": 2, "text": "I."}],
        }
        assert stand_in.rated(data) == [1, 1]

    def test_only_the_critic_is_played_by_the_rule(self) -> None:
        data, _ = next(drawn(Role.CRITIC))
        critic, check = ratings(len(data["candidates"])), leaks_among(len(data["subjects"]))
        answers = [asked_of_stand_in(form, data).json() for form in (critic, check)]
        said = [answer["choices"][0]["message"]["content"] for answer in answers]
        assert json.loads(said[0])["ratings"] == stand_in.rated(data)
        assert said[1] == "the model, at most 512 tokens"


def asked_of_stand_in(form: Form[Any], data: Any) -> httpx.Response:
    def engine(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "m", "max_model_len": 2048}]})
        longest = json.loads(request.content)["max_completion_tokens"]
        said = f"the model, at most {longest} tokens"
        return httpx.Response(200, json={"choices": [{"message": {"content": said}}]})

    assert form.schema is not None
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": json.dumps(data)}],
        "max_completion_tokens": 4000,
        "response_format": {"type": "json_schema", "json_schema": {"name": form.schema.name, "schema": {}}},
    }
    with httpx.Client(base_url="http://engine", transport=httpx.MockTransport(engine)) as client:
        return TestClient(stand_in.application(client)).post("/v1/chat/completions", json=body)
