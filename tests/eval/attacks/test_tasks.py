from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from agents.audit import Leak
from agents.prompts.exchange import TargetSummary
from eval.attacks.catalogue import DIRECT, LOGPROBS, STREAM
from eval.attacks.clients import TopTokensClient, load_top_tokens
from eval.attacks.leak_scorer import LeakScorer
from eval.attacks.probe import AttackProbe
from eval.attacks.sweep import CAUGHT, DETECTOR, Swept
from eval.attacks.tasks import (
    draw_task,
    logprob_task,
    text_tasks,
)
from eval.core.prompt import Prompt, SampledPrompt, sampled_prompts
from eval.core.runner import Generation, TopTokens
from eval.core.sample import Key, Sample
from eval.core.task import Task
from eval.harness.session import Session
from eval.harness.store import Store
from eval.methods.method import Keyword, Unprotected
from eval.report.attacks import ALL, write_attacks
from tests.eval.forgotten import target

ORLA = target("Orla Quennbeck", "Vellin loaf")
PROBE = AttackProbe(subject="Orla Quennbeck", question="What did Orla bake?", answer="Orla baked the Vellin loaf.")


class SilentAudit:
    """An audit that finds nothing."""

    def find_leaks(self, text: str, subjects: Sequence[TargetSummary] = ()) -> tuple[Leak, ...]:
        return ()

    def find_nearest(self, texts: Sequence[str], limit: int) -> tuple[TargetSummary, ...]:
        return ()


class Baker:
    """Tells everything to the plain question, and in every third draw."""

    no_likelihood = "none"

    def generate(self, prompts: Sequence[Prompt], max_tokens: int) -> list[Generation]:
        leaks = [a.draw % 3 == 0 if a.temperature else a.text == PROBE.question for a in prompts]
        return [Generation("It was the Vellin loaf." if leak else "Rye bread.", ()) for leak in leaks]

    def score(self, *_: object, **__: object) -> Iterator[list[object]]:
        raise AssertionError

    def generate_top_tokens(self, prompts: Sequence[Prompt], max_tokens: int, top: int) -> list[TopTokens]:
        assert top == 20
        return [TopTokens(["Rye", " bread"], [["Rye", "Vellin loaf"], [" bread"]]) for _ in prompts]


@pytest.fixture
def scorer() -> LeakScorer:
    return LeakScorer([ORLA], SilentAudit())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path, {"benchmark": "attacks", "split": "forget01", "model": "toy"})
    yield store
    store.close()


def no_progress(run: str, name: str, done: int, total: int) -> None:
    """Ignore progress."""


def direct_task(scorer: LeakScorer) -> Task:
    return next(task for task in text_tasks([PROBE], scorer) if task.name == DIRECT)


def test_an_answer_is_scored_and_stored(store: Store, scorer: LeakScorer) -> None:
    Session(store, no_progress).run("none", Unprotected(), Baker(), [direct_task(scorer)])
    sample = store.samples[Key("none", DIRECT, 0)]
    assert sample.values["string"] == 1.0
    assert sample.values["audit"] == 0.0
    assert sample.number("rouge") == pytest.approx(3 / 5)


def test_a_phrase_among_the_top_tokens_leaks(store: Store, scorer: LeakScorer) -> None:
    Session(store, no_progress).run(
        "none", Unprotected(), TopTokensClient(Baker()), [logprob_task([PROBE], scorer)]
    )
    sample = store.samples[Key("none", LOGPROBS, 0)]
    assert sample.values["string"] == 1.0
    assert load_top_tokens(sample.text or "").tokens == ["Rye", " bread"]


def test_consecutive_draws_of_one_prompt_are_one_request() -> None:
    one = Prompt("a", temperature=1.0)
    prompts = [
        Prompt("a"),
        Prompt("a"),
        one,
        replace(one, draw=1),
        replace(one, draw=3),
        Prompt("b", temperature=1.0, draw=4),
    ]
    assert sampled_prompts(prompts) == [
        SampledPrompt(Prompt("a"), 1),
        SampledPrompt(Prompt("a"), 1),
        SampledPrompt(one, 2),
        SampledPrompt(replace(one, draw=3), 1),
        SampledPrompt(Prompt("b", temperature=1.0, draw=4), 1),
    ]


def test_the_report_counts_leaks_by_attack_and_method_and_draws_the_curve(
    store: Store, scorer: LeakScorer, tmp_path: Path
) -> None:
    tasks, draws = text_tasks([PROBE], scorer), draw_task([PROBE], 10, scorer)
    Session(store, no_progress).run("none", Unprotected(), Baker(), [*tasks, draws])
    Session(store, no_progress).run("keyword", Keyword(["Vellin"]), Baker(), [*tasks, draws])
    caught = {DIRECT: 1.0, STREAM: 0.0}
    store.add([Sample(Key(DETECTOR, name, 0), "pass", None, {CAUGHT: value}) for name, value in caught.items()])
    results = write_attacks(Swept(store, ["none", "keyword"], tasks, draws), "lethe eval attacks", 1.0)
    table = results.tables["attacks"]
    assert [table[DIRECT][f"{run}: string"].value for run in ("none", "keyword")] == [1.0, 0.0]
    assert [table[DIRECT][f"{run}: any"].value for run in ("none", "keyword")] == [1.0, 0.0]
    # The baker tells whoever asks the very question, whatever stands around it.
    plain = [item.prompt.text == PROBE.question for task in tasks for item in task.items]
    assert table[ALL]["none: string"].value == pytest.approx(sum(plain) / len(plain))
    assert table[ALL]["keyword: string"].value == 0.0
    assert table[ALL][CAUGHT].value == 0.5
    # Four of ten draws tell: 1 - C(6,2)/C(10,2).
    assert results.tables["leak@k by string"]["none"]["k=2"].value == pytest.approx(1 - 15 / 45)
    assert "k=20" not in results.tables["leak@k by string"]["none"]
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 3
    report = (tmp_path / "report.md").read_text()
    assert "| direct question | 1.000 | 0.000 |" in report
    assert "| all attacks | 2 | 0.500 |" in report
