from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.core.prompt import Prompt
from eval.core.runner import Generation, ScoredAnswer
from eval.core.sample import Key
from eval.core.task import Item, Task
from eval.harness.session import CHUNK_SAMPLES, Session
from eval.harness.store import Store
from eval.methods.method import Keyword, PreparedPrompt, Unprotected
from serving.settings import DECLINE_TEXT


class Echo:
    """Says what it is asked, in capitals where it is restricted; scores each answer by its length."""

    no_likelihood = ""

    def __init__(self, fail_after: int | None = None) -> None:
        self.asked: list[Prompt] = []
        self._fail_after = fail_after

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        if self._fail_after is not None and len(self.asked) >= self._fail_after:
            raise KeyboardInterrupt
        self.asked += prompts
        return [Generation(prompt.text.upper() if prompt.digests else prompt.text, (-0.5,)) for prompt in prompts]

    def score(
        self, prompts: Sequence[Prompt], answers: Sequence[Sequence[str]], *, end: bool, vocabulary: bool
    ) -> Iterator[list[ScoredAnswer]]:
        for texts in answers:
            yield [ScoredAnswer((1,), np.array([-float(len(text))]), (1,), None) for text in texts]


class Odd:
    """Restricts the questions with an odd number, declines number 2."""

    def __init__(self, no_likelihood: str = "") -> None:
        self.no_likelihood = no_likelihood

    def prepare(self, prompt: Prompt, detector_text: str) -> PreparedPrompt:
        number = int(detector_text.split()[-1])
        if number == 2:
            return PreparedPrompt(prompt, "decline", "no")
        return (
            PreparedPrompt(replace(prompt, digests=("d",)), "restrict") if number % 2 else PreparedPrompt(prompt)
        )

    def finish(self, text: str) -> str:
        return text


def task(count: int) -> Task[Item]:
    items = [Item(Prompt(f"question {n}"), "gold", ("gold",)) for n in range(count)]
    return Task(
        "forget", items, 8, lambda i, t: {"words": float(len(t))}, lambda i, f: {"loss": -f[0].log_probs[0]}
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path, {})
    yield store
    store.close()


def quiet(run: str, name: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


def test_every_item_gets_a_sample_with_text_and_scores(store: Store) -> None:
    Session(store, quiet).run("none", Unprotected(), Echo(), [task(5)])
    assert sorted(key.index for key in store.samples) == [0, 1, 2, 3, 4]
    first = store.samples[Key("none", "forget", 0)]
    assert (first.text, first.values) == ("question 0", {"words": 10.0, "loss": 4.0, "spoken_log_probs": (-0.5,)})


def test_an_interrupted_run_asks_only_for_the_rest(store: Store) -> None:
    with pytest.raises(KeyboardInterrupt):
        Session(store, quiet).run(
            "none", Unprotected(), Echo(fail_after=CHUNK_SAMPLES), [task(CHUNK_SAMPLES + 10)]
        )
    assert len(store.samples) == CHUNK_SAMPLES
    runner = Echo()
    Session(store, quiet).run("none", Unprotected(), runner, [task(CHUNK_SAMPLES + 10)])
    assert len(runner.asked) == 10
    assert len(store.samples) == CHUNK_SAMPLES + 10


def test_a_prompt_that_is_left_alone_takes_the_sample_of_the_base(store: Store) -> None:
    session = Session(store, quiet)
    session.run("none", Unprotected(), Echo(), [task(4)])
    runner = Echo()
    session.run("odd", Odd(), runner, [task(4)], base="none")
    assert [prompt.text for prompt in runner.asked] == ["question 1", "question 3"]
    texts = [store.samples[Key("odd", "forget", n)].text for n in range(4)]
    assert texts == ["question 0", "QUESTION 1", "no", "QUESTION 3"]
    assert "loss" not in store.samples[Key("odd", "forget", 2)].values
    assert [store.samples[Key("odd", "forget", n)].plan for n in range(4)] == [
        "pass",
        "restrict",
        "decline",
        "restrict",
    ]


def test_without_a_base_everything_is_asked(store: Store) -> None:
    runner = Echo()
    Session(store, quiet).run("odd", Odd(), runner, [task(4)], base="none")
    assert len(runner.asked) == 3


def test_a_method_without_likelihood_has_no_scores_not_even_those_of_the_base(store: Store) -> None:
    session = Session(store, quiet)
    session.run("none", Unprotected(), Echo(), [task(4)])
    session.run("odd", Odd("none at all"), Echo(), [task(4)], base="none")
    assert [sorted(store.samples[Key("odd", "forget", n)].values) for n in range(4)] == [["words"]] * 4


def test_the_keyword_filter_replaces_the_whole_answer(store: Store) -> None:
    Session(store, quiet).run("keyword", Keyword(["Question 3"]), Echo(), [task(4)])
    texts = [store.samples[Key("keyword", "forget", n)].text for n in range(4)]
    assert texts == ["question 0", "question 1", "question 2", DECLINE_TEXT]


def test_progress_counts_what_is_known_already(store: Store) -> None:
    told: list[tuple[int, int]] = []
    session = Session(store, lambda run, name, done, total: told.append((done, total)))
    session.run("none", Unprotected(), Echo(), [task(3)])
    session.run("none", Unprotected(), Echo(), [task(5)])
    assert told == [(0, 3), (3, 3), (3, 5), (5, 5)]
