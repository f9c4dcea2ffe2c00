"""The main job on real input: authors a model has memorised are forgotten at once, and remembered again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rouge_score.rouge_scorer import RougeScorer

from guard.text.normalise import fold
from tests.e2e.server import Server
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e
PICKED = (0, 8, 16)
OTHERS = 2
# One answer at a time: how many are asked of each author where a batch would change rounding.
ALONE = 4
MAX_TOKENS = 120
AT_ONCE = 10
# A quoted title of some length.
TITLE = re.compile(r"""["'“‘]([A-Z][\w ]{12,40})["'”’]""")


def chat(server: Server, question: str, stream: bool = False) -> str:
    messages = [{"role": "user", "content": question}]
    arguments = {"model": server.model, "messages": messages, "temperature": 0.0, "max_tokens": MAX_TOKENS}
    if not stream:
        return server.openai.chat.completions.create(**arguments).choices[0].message.content or ""
    chunks = server.openai.chat.completions.create(**arguments, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def complete(server: Server, question: str, stream: bool = False) -> str:
    prompt = f"<|bos|><|user|>{question}<|end|><|assistant|>"
    arguments = {"model": server.model, "prompt": prompt, "temperature": 0.0, "max_tokens": MAX_TOKENS}
    arguments["extra_body"] = {"add_special_tokens": False}
    if not stream:
        return server.openai.completions.create(**arguments).choices[0].text
    chunks = server.openai.completions.create(**arguments, stream=True)
    return "".join(chunk.choices[0].text for chunk in chunks if chunk.choices)


WAYS = [
    pytest.param(lambda s, q: chat(s, q), id="chat"),
    pytest.param(lambda s, q: chat(s, q, stream=True), id="chat-stream"),
    pytest.param(lambda s, q: complete(s, q), id="completions"),
    pytest.param(lambda s, q: complete(s, q, stream=True), id="completions-stream"),
]


@pytest.fixture(scope="session")
def forgotten(shared: Path) -> list[Author]:
    split = authors(shared / "data" / "tofu" / "forget10.json")
    return [split[place] for place in PICKED]


@pytest.fixture(scope="session")
def others(shared: Path) -> list[str]:
    split = authors(shared / "data" / "tofu" / "retain90.json")
    return [question for author in split[:OTHERS] for question in author.questions]


@pytest.fixture
def forbidden(server: Server, forgotten: list[Author]) -> Iterator[list[list[str]]]:
    """The authors forgotten: their forbidden phrases; remembered again at the end."""
    stored = [server.forget(author.target()) for author in forgotten]
    try:
        yield [target["forbidden"] for target in stored]
    finally:
        for target in stored:
            server.remember(target["id"])


def recall(gold: str, said: str) -> float:
    return RougeScorer(["rougeL"], use_stemmer=True).score(gold, said)["rougeL"].recall


@pytest.fixture(scope="module")
def before(server: Server, forgotten: list[Author], others: list[str]) -> dict[str, str]:
    questions = [question for author in forgotten for question in author.questions]
    return {question: chat(server, question) for question in [*questions, *others]}


def test_the_model_knows_each_author_beforehand(before: dict[str, str], forgotten: list[Author]) -> None:
    for author in forgotten:
        scores = [recall(answer, before[question]) for question, answer in author.facts]
        assert sum(scores) / len(scores) >= 0.95


@pytest.mark.parametrize("way", WAYS)
def test_no_answer_holds_a_forbidden_phrase(
    server: Server, before: dict[str, str], forgotten: list[Author], forbidden: list[list[str]], way
) -> None:
    for author, phrases in zip(forgotten, forbidden, strict=True):
        assert len(phrases) > 7
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda question: fold(way(server, question)), author.questions))
        assert all(answers)
        assert [phrase for phrase in phrases for said in answers if fold(phrase) in said] == []


def test_streams_and_whole_answers_are_the_same_text(
    server: Server, forgotten: list[Author], forbidden: list[list[str]]
) -> None:
    for author in forgotten:
        for question in author.questions[:ALONE]:
            assert chat(server, question, stream=True) == chat(server, question)
            assert complete(server, question, stream=True) == complete(server, question)


def test_answers_about_others_stay_byte_identical(
    server: Server, before: dict[str, str], others: list[str], forbidden: list[list[str]]
) -> None:
    assert len(others) == 40
    assert {question: chat(server, question) for question in others} == {q: before[q] for q in others}


@pytest.mark.parametrize("way", WAYS)
def test_a_title_that_only_the_answer_says_does_not_leave(server: Server, before: dict[str, str], way) -> None:
    found = ((question, TITLE.search(said)) for question, said in before.items())
    question, title = next((q, match[1]) for q, match in found if match and fold(match[1]) not in fold(q))
    target = server.forget({"name": title, "kind": "work"})
    try:
        said = way(server, question)
    finally:
        server.remember(target["id"])
    assert fold(title) not in fold(said)
    unchanged = before[question].partition(title)[0].rstrip()
    assert said.strip().startswith(unchanged)
    # A stream of a remote engine ends there: its tokenizer is not at hand, so that it cannot go on.
    assert len(said.strip()) > len(unchanged) or server.engine == "remote"
    verdicts = server.admin.get("/admin/v1/verdicts", params={"target_id": target["id"]}).json()["verdicts"]
    assert [(verdict["touched_by"], verdict["plan"]) for verdict in verdicts] == [("answer", "restrict")]


def test_after_revocation_everything_is_as_it_was(
    server: Server, before: dict[str, str], forgotten: list[Author]
) -> None:
    stored = [server.forget(author.target()) for author in forgotten]
    for target in stored:
        server.remember(target["id"])
    questions = [question for author in forgotten for question in author.questions[:ALONE]]
    assert {question: chat(server, question) for question in questions} == {q: before[q] for q in questions}
