from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from eval.core.errors import EndpointFailed
from eval.core.prompt import Prompt
from eval.growth import growth as growth_module
from eval.growth.growth import MeasuredServer, growing_policy
from eval.growth.load import LoadResult
from tests.eval.growth.fakes import FakeAdmin, FakeEndpoint, growing


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "knowmem"
    folder.mkdir()
    rows = [{"question": "What is it?", "answer": "a lamp"}]
    for name in ("retain_qa", "retain_qa_icl"):
        (folder / f"{name}.json").write_text(json.dumps(rows))
    return tmp_path


def use_fakes(monkeypatch: pytest.MonkeyPatch, admin: FakeAdmin) -> None:
    monkeypatch.setattr(growth_module.AdminClient, "from_environment", lambda: admin)
    monkeypatch.setattr(growth_module.Endpoint, "open", lambda url, model: FakeEndpoint(admin))


def test_a_point_has_knowledge_latency_and_failures_since_the_last() -> None:
    growth = growing()
    point = growth.point()
    assert (point.targets, point.knowledge, point.unchanged) == (0, 100.0, 1.0)
    assert (point.p50, point.p95) == (pytest.approx(0.495), pytest.approx(0.9405))
    assert (point.requests, point.failed, point.adding) == (100, 1, 0.0)
    assert growth.load.take() == []


def test_changed_answers_lower_knowledge_and_the_share_unchanged() -> None:
    growth = growing(until=1)
    growth.point()
    growth.add(["some text"])
    growth.load.add(LoadResult(0.1, True))
    growth.load.add(LoadResult(0.1, True))
    point = growth.point()
    assert (point.targets, point.knowledge, point.unchanged) == (1, 0.0, 0.0)


def test_a_load_without_any_answer_is_an_error() -> None:
    growth = growing()
    growth.load.take()
    with pytest.raises(EndpointFailed, match="no answer at all"):
        growth.point()


def test_given_questions_replace_knowmem_and_are_asked_as_chats(corpus: Path) -> None:
    rows = corpus / "rows.jsonl"
    rows.write_text('{"question": "Who?", "answer": "Orla"}\n{"question": "When?", "answer": "Then"}\n')
    given = MeasuredServer(url="http://x", data=corpus, retain=rows, limit=1).questions()
    assert (given.prompts, [row.answer for row in given.rows]) == ([Prompt("Who?")], ["Orla"])
    (known,) = MeasuredServer(url="http://x", data=corpus).questions().prompts
    assert (known.chat, known.text.count("Question:"), known.text[-8:]) == (False, 2, "Answer: ")


def test_stored_targets_are_revoked_even_after_an_interrupt(monkeypatch: pytest.MonkeyPatch, corpus: Path) -> None:
    admin = FakeAdmin()
    use_fakes(monkeypatch, admin)
    server = MeasuredServer(url="http://127.0.0.1:9", data=corpus)
    with suppress(KeyboardInterrupt), growing_policy(server) as growth:
        growth.add(["one", "two"])
        raise KeyboardInterrupt
    assert admin.revoked == ["article 000000", "article 000001"]


def test_a_server_that_already_has_targets_is_refused(monkeypatch: pytest.MonkeyPatch, corpus: Path) -> None:
    use_fakes(monkeypatch, FakeAdmin(enforced=1))
    with (
        pytest.raises(EndpointFailed, match="needs one without any"),
        growing_policy(MeasuredServer(url="http://x", data=corpus)),
    ):
        pass
