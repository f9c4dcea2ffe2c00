"""The three ways to run an evaluation say the same, and an evaluation that is killed goes on."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from eval.core.sample import ANSWER_LOG_PROBS, Key
from eval.harness.store import SAMPLES
from eval.report.agreement import agreement
from eval.report.compare import Side
from tests.e2e.replay import METHODS, ROWS, STOPS, Interrupted, Replay, Samples
from tests.e2e.server import KEY, Server
from tests.e2e.tofu import Author, authors

pytestmark = pytest.mark.e2e

SCORED_ROWS = 2
SETS = ("forget", "retain", "real_authors", "world_facts")
PLAIN = ("none", "guard")
TOLERANCE = 1e-3


def before_names(text: str, others: Sequence[Author]) -> str:
    """The text up to the first name of one of the authors."""
    return text[: min((text.index(one.name) for one in others if one.name in text), default=len(text))]


def through(exact: Server, shared: Path, out: Path, *more: str, rows: int = ROWS) -> Samples:
    replay = Replay(shared, out, "endpoint", PLAIN, rows)
    return replay.run("--endpoint", exact.url, *more, ADMIN_URL=exact.admin_url, LETHE_ADMIN_KEY=KEY)


@pytest.fixture(scope="module")
def by_endpoint(exact: Server, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Samples:
    return through(exact, shared, tmp_path_factory.mktemp("by-endpoint"))


@pytest.fixture(scope="module")
def results(by_reference: Samples, by_engine: Samples, by_endpoint: Samples) -> dict[str, Samples]:
    """The same samples in float32, by way of running."""
    return {"reference": by_reference, "engine": by_engine, "endpoint": by_endpoint}


@pytest.mark.parametrize("method", PLAIN)
@pytest.mark.parametrize("way", ["engine", "endpoint"])
def test_texts_are_identical_and_log_probabilities_too(
    results: dict[str, Samples], shared: Path, way: str, method: str
) -> None:
    author, *others = authors(shared / "data" / "tofu" / "forget10.json")
    for name in SETS:
        for index in range(ROWS):
            key = Key(method, name, index)
            expected, found = results["reference"][key], results[way][key]
            text, log_probs = expected.text, expected.numbers(ANSWER_LOG_PROBS)
            if way == "endpoint" and method == "guard" and (named := before_names(text, others)) != text:
                # The server watches answers for targets that the question does not touch, and goes on without.
                assert found.text.startswith(named.rstrip())
                assert before_names(found.text, others) == found.text
                continue
            if (way, method, name) == ("endpoint", "guard", "forget") and author.released(text) != text:
                # The server ends an answer that nearly says a phrase.
                text, log_probs = author.released(text), log_probs[: len(found.numbers(ANSWER_LOG_PROBS))]
            # Log-probabilities are cut before a token, which begins with the blank.
            assert found.text.rstrip() == text.rstrip()
            assert found.numbers(ANSWER_LOG_PROBS) == pytest.approx(log_probs, abs=TOLERANCE)


def test_given_answers_are_as_likely_over_http_as_they_are_offline(
    exact: Server, shared: Path, tmp_path: Path, by_reference: Samples
) -> None:
    scored = through(exact, shared, tmp_path, "--score-url", exact.score_url, rows=SCORED_ROWS)
    rows = agreement(Side("reference", by_reference, ""), Side("scored", scored, ""))
    assert [row.run for row in rows] == ["guard", "none"]
    others = authors(shared / "data" / "tofu" / "forget10.json")[1:]
    asked = [Key("guard", name, index) for name in SETS for index in range(SCORED_ROWS)]
    watched = sum(before_names(text, others) != text for text in (by_reference[key].text for key in asked))
    for row in rows:
        assert row.texts == SCORED_ROWS * len(SETS)
        assert row.same == row.texts - (watched if row.run == "guard" else 0)
        assert row.answers >= SCORED_ROWS * (7 + 7 + 4 + 4 + 1)
        assert row.given_difference < TOLERANCE
    assert any(s.number("loss") == math.inf for key, s in scored.items() if key.run == "guard")


def test_guard_changes_answers_about_the_forgotten_and_no_other(results: dict[str, Samples]) -> None:
    for way in ("reference", "engine", "endpoint"):
        for name in SETS:
            pairs = [
                (results[way][Key("none", name, i)].text, results[way][Key("guard", name, i)].text)
                for i in range(ROWS)
            ]
            changed = sum(before != after for before, after in pairs)
            assert changed > 0.9 * ROWS if name == "forget" else changed == 0


@pytest.mark.parametrize("number", STOPS)
def test_a_run_that_is_stopped_goes_on_where_it_was(interrupted: Interrupted, number: signal.Signals) -> None:
    stop = interrupted.stops[number]
    if number is signal.SIGINT:
        assert stop.status == 130, stop.said[-3000:]
        assert "run the same command again" in stop.said
    else:
        assert stop.status == -number, stop.said[-3000:]
    every = (interrupted.folder / SAMPLES).read_text()
    assert every.startswith(stop.known[: stop.known.rfind("\n") + 1])
    assert ROWS <= stop.known.count("\n") < every.count("\n")


def test_a_run_that_was_stopped_twice_has_every_sample(interrupted: Interrupted) -> None:
    # Besides the sets that are asked, there is one whose given answers alone are scored.
    counts = json.loads((interrupted.folder / "results.json").read_text())["samples"]
    assert counts["none"] == counts["guard"] == (len(SETS) + 1) * ROWS
    assert sum(counts.values()) == len(interrupted.samples)
    assert counts.keys() == set(METHODS)
