from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any, get_args

import pytest

from agents.prompts import prompt as module
from agents.prompts.prompt import load_prompt
from agents.prompts.replies import ANSWER, LeakKind, leaks_format, ratings_format
from guard.text.conversation import Message

FOLDER = files("agents").joinpath("prompts")
ROLES = ("check", "lethe/rewrite", "lethe/rate", "lethe/compose")
ALL = (*ROLES, *(f"paper/{name}" for name in ("vanilla", "rewrite", "rate", "parse", "compose")))


def read(name: str, data: Any, reply: str) -> object:
    if name == "check":
        return leaks_format(len(data["subjects"])).read(reply)
    if name == "lethe/rate":
        return ratings_format(len(data["candidates"])).read(reply)
    return ANSWER.read(reply)


@pytest.mark.parametrize("name", ALL)
def test_every_prompt_file_is_a_brief_with_a_version(name: str) -> None:
    assert load_prompt(name).version >= 1
    assert load_prompt(name).system


@pytest.mark.parametrize("name", ROLES)
def test_every_example_has_a_reply_that_its_role_could_give(name: str) -> None:
    assert load_prompt(name).examples
    for example in load_prompt(name).examples:
        read(name, example.data, example.reply)


@pytest.mark.parametrize("name", ROLES)
def test_no_two_examples_are_the_same_but_for_their_names(name: str) -> None:
    examples = load_prompt(name).examples
    assert len({json.dumps(example.data) for example in examples}) == len(examples)
    assert len({example.shows for example in examples}) == len(examples)


def test_the_checks_examples_cover_every_kind_of_leak_and_its_absence() -> None:
    shown = {leak["how"] for e in load_prompt("check").examples for leak in json.loads(e.reply)["leaks"]}
    assert shown == set(get_args(LeakKind))
    assert any(not json.loads(example.reply)["leaks"] for example in load_prompt("check").examples)


def test_a_leaking_subject_of_an_example_is_the_one_its_answer_tells_of() -> None:
    for example in load_prompt("check").examples:
        data: Any = example.data
        for leak in json.loads(example.reply)["leaks"]:
            subject = data["subjects"][leak["subject"] - 1]
            told = json.dumps(data["answer"]) + json.dumps(data["question"]) + json.dumps(data["earlier"])
            known = " ".join([subject["name"], *subject.get("also", []), *subject.get("facts", [])])
            assert any(len(word) > 4 and word in told for word in re.findall(r"\w+", known))


def test_rewriting_and_rating_show_leaks_of_other_languages_relations_and_masked_names() -> None:
    shown = " ".join(
        example.shows for name in ("lethe/rewrite", "lethe/rate") for example in load_prompt(name).examples
    )
    for kind in ("direct", "indirect", "relational", "masked", "language", "translated"):
        assert kind in shown


def test_data_stands_quoted_in_the_last_message_and_nowhere_else() -> None:
    messages = load_prompt("check").messages({"answer": 'a "b" {c}'})
    assert messages[-1] == Message("user", '{"answer": "a \\u0022b\\u0022 \\u007bc\\u007d"}')
    assert messages[:-1] == load_prompt("check").messages({"answer": "other"})[:-1]


def test_examples_are_turns_before_the_last_message() -> None:
    roles = [message.role for message in load_prompt("check").messages({})]
    assert roles == ["system", *["user", "assistant"] * len(load_prompt("check").examples), "user"]


def test_a_repair_adds_to_the_instructions_alone() -> None:
    plain, repair = load_prompt("check").messages({}), load_prompt("check").messages({}, repair=True)
    assert repair[0].text.startswith(plain[0].text)
    assert repair[0].text != plain[0].text
    assert repair[1:] == plain[1:]


@pytest.mark.parametrize(
    "text",
    [
        "no version",
        "---\nversion: one\n---\nInstructions",
        "---\nversion: 1\n---\nInstructions\n\n## Example: x\n\n```json\n{}\n```\n",
        "---\nversion: 1\n---\nInstructions\n\n## Example: x\n\n```json\n{]\n```\n\n```json\n{}\n```\n",
    ],
)
def test_a_file_that_is_not_a_brief_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(module, "_text", lambda name: text)
    with pytest.raises(ValueError, match=r"prompts/odd\.md|Expecting"):
        load_prompt("odd")
