from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from eval.core.errors import EndpointFailed
from eval.core.prompt import Prompt
from eval.core.runner import ScoredAnswer
from eval.core.sample import Value
from eval.core.task import Item, Task
from eval.harness.session import CHUNK_SAMPLES, Session
from eval.harness.store import Store
from eval.methods.method import Unprotected
from eval.runners.endpoint import Endpoint
from eval.runners.scorer import Scorer
from guard.text.conversation import Message


def scorer(answer: Callable[[dict[str, Any]], httpx.Response]) -> Scorer:
    transport = httpx.MockTransport(lambda request: answer(json.loads(request.content)))
    return Scorer(httpx.Client(base_url="http://lethe", transport=transport))


def spelt(body: dict[str, Any]) -> httpx.Response:
    """Each letter a token, and none of them likelier than its place; an x cannot be said."""
    tokens = [ord(letter) for letter in body["answer"]] + [0] * body["end"]
    log_probs = [None if token == ord("x") else -float(place) for place, token in enumerate(tokens)]
    return httpx.Response(200, json={"tokens": tokens, "log_probs": log_probs, "predicted": tokens})


def test_an_answer_that_cannot_be_said_is_impossible_there() -> None:
    forced = scorer(spelt).score(Prompt("Who?"), "axe", end=True)
    assert forced.labels == (97, 120, 101, 0)
    assert forced.log_probs == pytest.approx([0.0, -np.inf, -2.0, -3.0])
    assert forced.predicted == forced.labels
    assert forced.vocabulary is None


def test_chats_and_plain_texts_are_asked_as_they_are() -> None:
    asked: list[dict[str, Any]] = []

    def noted(body: dict[str, Any]) -> httpx.Response:
        asked.append(body)
        return spelt(body)

    plane = scorer(noted)
    plane.score(Prompt("Who?", before=(Message("system", "Be brief."),)), "a", end=True)
    plane.score(Prompt("The author", chat=False), "b", end=False)
    system, user = {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who?"}
    assert asked == [
        {"messages": [system, user], "answer": "a", "end": True},
        {"prompt": "The author", "answer": "b", "end": False},
    ]


def test_an_assistants_turn_that_is_begun_cannot_be_scored() -> None:
    with pytest.raises(EndpointFailed, match="assistant's turn"):
        scorer(spelt).score(Prompt("Who?", prefill="Answer:"), "a", end=True)


@pytest.mark.parametrize("status", [401, 409, 503])
def test_a_refusal_is_said_by_its_status_alone(status: int) -> None:
    plane = scorer(lambda body: httpx.Response(status, text=json.dumps(body)))
    with pytest.raises(EndpointFailed, match=str(status)) as failed:
        plane.score(Prompt("Who?"), "secret", end=True)
    assert "secret" not in failed.value.message


def test_the_key_is_the_admin_planes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETHE_ADMIN_KEY", "a key")
    plane = Scorer.open("http://127.0.0.1:9")
    assert plane._http.headers["authorization"] == "Bearer a key"
    with pytest.raises(EndpointFailed, match="cannot be reached"):
        plane.score(Prompt("Who?"), "a", end=True)
    plane.close()


def test_answers_are_scored_in_order() -> None:
    endpoint = Endpoint(None, "toy", scorer(spelt))  # type: ignore[arg-type]
    assert endpoint.no_likelihood == ""
    rows = endpoint.score([Prompt("Who?"), Prompt("Where?")], [["ab", "c"], ["d"]], end=False, vocabulary=False)
    assert [[forced.labels for forced in row] for row in rows] == [[(97, 98), (99,)], [(100,)]]


def test_without_a_scoring_plane_the_reason_is_said() -> None:
    endpoint = Endpoint(None, "toy")  # type: ignore[arg-type]
    assert "--score-url" in endpoint.no_likelihood
    with pytest.raises(EndpointFailed, match="--score-url"):
        list(endpoint.score([Prompt("Who?")], [["a"]], end=True, vocabulary=False))


def test_a_plane_that_goes_away_half_way_leaves_what_is_known(tmp_path: Path) -> None:
    def loss(item: Item, forced: Sequence[ScoredAnswer]) -> dict[str, Value]:
        return {"loss": -float(forced[0].log_probs.mean())}

    items = [Item(Prompt(f"question {n}"), "", ("ab",)) for n in range(CHUNK_SAMPLES + 20)]
    task = Task("holdout", items, 0, lambda item, text: {}, loss)
    left = CHUNK_SAMPLES + 3

    def mortal(body: dict[str, Any]) -> httpx.Response:
        nonlocal left
        left -= 1
        if left < 0:
            raise httpx.ConnectError("gone")
        return spelt(body)

    def run(plane: Scorer) -> None:
        endpoint = Endpoint(None, "toy", plane)  # type: ignore[arg-type]
        Session(store, lambda *_: None).run("none", Unprotected("server"), endpoint, [task])

    store = Store(tmp_path, {})
    with pytest.raises(EndpointFailed, match="run again to go on"):
        run(scorer(mortal))
    assert len(store.samples) == CHUNK_SAMPLES
    run(scorer(spelt))
    assert len(store.samples) == CHUNK_SAMPLES + 20
    assert {sample.number("loss") for sample in store.samples.values()} == {1.0}
    store.close()
