from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from eval.benchmarks.files import Question
from eval.core.ask import Ask, Said
from eval.core.errors import BadBenchmark, EndpointFailed
from eval.growth import growth as growing_module
from eval.growth.growth import Growth, Point, Questions, Server, growing
from eval.growth.load import Answered, Asking, Load, loading
from eval.growth.report import Outcome, figure, slope, table, trends
from eval.growth.scalability import nested, scale
from eval.growth.sustainability import passages, sustain


class Admin:
    """Stands in for the admin plane's client."""

    def __init__(self, enforced: int = 0) -> None:
        self.enforced = enforced
        self.batches: list[list[dict[str, Any]]] = []
        self.revoked: list[str] = []

    def add_many(self, drafts: list[dict[str, Any]]) -> Any:
        self.batches.append(drafts)
        return {"ids": [draft["name"] for draft in drafts]}

    def revoke(self, target_id: str) -> None:
        self.revoked.append(target_id)

    def policy(self) -> Any:
        return {"enforced": {"enforce": self.enforced, "shadow": 0}}


class Model:
    """Stands in for the endpoint: knows its answers until the policy holds `until` batches."""

    model = "toy"

    def __init__(self, admin: Admin, until: int = 1_000) -> None:
        self.admin = admin
        self.until = until

    def generate(self, asks: Sequence[Ask], max_tokens: int) -> list[Said]:
        known = len(self.admin.batches) < self.until
        return [Said("a lamp\n\nQuestion: and?" if known else "no idea", ()) for _ in asks]

    def close(self) -> None:
        pass


def grown(until: int = 1_000) -> Growth:
    admin, load = Admin(), Load()
    for number in range(100):
        load.add(Answered(number / 100, number != 7))
    rows = [Question("What is it?", "a lamp"), Question("And this?", "a lamp")]
    questions = Questions(rows, [Ask(row.question, chat=False) for row in rows], 32)
    return Growth(admin, Model(admin, until), load, questions)  # type: ignore[arg-type]


def test_a_point_tells_knowledge_latency_and_failures_since_the_last() -> None:
    growth = grown()
    point = growth.point()
    assert (point.targets, point.knowledge, point.unchanged) == (0, 100.0, 1.0)
    assert (point.p50, point.p95) == (pytest.approx(0.495), pytest.approx(0.9405))
    assert (point.requests, point.failed, point.adding) == (100, 1, 0.0)
    assert growth.load.take() == []


def test_a_change_of_answers_shows() -> None:
    growth = grown(until=1)
    growth.point()
    growth.add(["some text"])
    growth.load.add(Answered(0.1, True))
    growth.load.add(Answered(0.1, True))
    point = growth.point()
    assert (point.targets, point.knowledge, point.unchanged) == (1, 0.0, 0.0)


def test_without_any_answer_there_is_no_point() -> None:
    growth = grown()
    growth.load.take()
    with pytest.raises(EndpointFailed, match="no answer at all"):
        growth.point()


class Steady(Load):
    """A load with two answers whenever it is asked."""

    def take(self) -> list[Answered]:
        return [Answered(0.1, True), Answered(0.2, True)]


def steady() -> Growth:
    growth = grown()
    growth.load = Steady()
    return growth


def test_targets_are_added_one_at_a_time_with_a_point_after_every_step() -> None:
    growth, told = steady(), list[Point]()
    points = sustain(growth, [f"text {n}" for n in range(7)], 3, told.append)
    assert [point.targets for point in points] == [0, 3, 6, 7]
    assert told == points
    assert [len(batch) for batch in growth.admin.batches] == [1] * 7  # type: ignore[attr-defined]


def test_nested_sets_are_added_without_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "sust").mkdir()
    (tmp_path / "raw" / "forget.json").write_text(json.dumps(["one", "", "two"]))
    for number, texts in {2: ["two", "three"], 3: ["four"], 4: ["five", "five"]}.items():
        (tmp_path / "sust" / f"forget_{number}.json").write_text(json.dumps(texts))
    sets = nested(tmp_path, None)
    assert sets.added == [["one", "two"], ["three"], ["four"], ["five"]]
    assert "sust" in sets.source
    points = scale(steady(), sets, lambda point: None)
    assert [point.targets for point in points] == [0, 2, 3, 4, 5]


def test_the_authors_nested_sets_are_taken_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "scal").mkdir()
    (tmp_path / "scal" / "forget_1.json").write_text('["one"]')
    (tmp_path / "scal" / "forget_2.json").write_text('["one", "two"]')
    assert nested(tmp_path, None) == ("scal/forget_1 to 4", [["one"], ["two"]])


def test_missing_files_and_too_few_texts_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadBenchmark, match="no file raw/forget"):
        passages(tmp_path, 1)
    with pytest.raises(BadBenchmark, match="neither scal"):
        nested(tmp_path, None)
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "forget.json").write_text('["one", "one", ""]')
    assert passages(tmp_path, 1) == ["one"]
    with pytest.raises(BadBenchmark, match="1 distinct texts, and 2"):
        passages(tmp_path, 2)


def test_a_load_asks_no_prompt_twice_and_counts_failures() -> None:
    prompts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        prompts.append(json.loads(request.content)["prompt"])
        if len(prompts) % 5 == 0:
            raise httpx.ConnectError("gone")
        return httpx.Response(502 if len(prompts) % 7 == 0 else 200)

    client = httpx.Client(base_url="http://toy", transport=httpx.MockTransport(answer))
    with loading(client, Asking("toy", ["Who?", "When?"], chat=False), 3) as load:
        while len(prompts) < 40:
            time.sleep(0.001)
    seen = load.take()
    assert len(seen) == len(prompts) == len(set(prompts))
    assert sum(not each.fine for each in seen) == sum(n % 5 == 0 or n % 7 == 0 for n in range(1, len(prompts) + 1))


def test_a_chat_model_is_asked_in_chats() -> None:
    route, body = Asking("toy", ["Who?", "When?"], chat=True).request(7)
    assert (route, body["messages"]) == ("/v1/chat/completions", [{"role": "user", "content": "7. When?"}])


def test_given_rows_are_asked_as_chats_instead_of_knowmem(corpus: Path) -> None:
    rows = corpus / "rows.jsonl"
    rows.write_text('{"question": "Who?", "answer": "Orla"}\n{"question": "When?", "answer": "Then"}\n')
    given = Server(url="http://x", data=corpus, retain=rows, limit=1).questions()
    assert (given.asks, [row.answer for row in given.rows]) == ([Ask("Who?")], ["Orla"])
    (known,) = Server(url="http://x", data=corpus).questions().asks
    assert (known.chat, known.text.count("Question:"), known.text[-8:]) == (False, 2, "Answer: ")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "knowmem"
    folder.mkdir()
    rows = [{"question": "What is it?", "answer": "a lamp"}]
    for name in ("retain_qa", "retain_qa_icl"):
        (folder / f"{name}.json").write_text(json.dumps(rows))
    return tmp_path


def stand_in(monkeypatch: pytest.MonkeyPatch, admin: Admin) -> None:
    monkeypatch.setattr(growing_module.AdminClient, "from_environment", lambda: admin)
    monkeypatch.setattr(growing_module.Endpoint, "open", lambda url, model: Model(admin))


def test_what_was_stored_is_revoked_whatever_happens(monkeypatch: pytest.MonkeyPatch, corpus: Path) -> None:
    admin = Admin()
    stand_in(monkeypatch, admin)
    server = Server(url="http://127.0.0.1:9", data=corpus)
    with suppress(KeyboardInterrupt), growing(server) as growth:
        growth.add(["one", "two"])
        raise KeyboardInterrupt
    assert admin.revoked == ["article 000000", "article 000001"]


def test_a_server_with_targets_is_refused(monkeypatch: pytest.MonkeyPatch, corpus: Path) -> None:
    stand_in(monkeypatch, Admin(enforced=1))
    with (
        pytest.raises(EndpointFailed, match="needs one without any"),
        growing(Server(url="http://x", data=corpus)),
    ):
        pass


def points(*latencies: float) -> list[Point]:
    return [Point(10 * n, 50.0, 1.0, p50, 2 * p50, 30, 0, 0.1) for n, p50 in enumerate(latencies)]


def test_a_slope_is_the_change_over_all_targets() -> None:
    found = slope([0, 10, 20], [1.0, 2.0, 3.0])
    assert found == pytest.approx((2.0, 2.0, 2.0))


def test_noise_is_flat_and_growth_is_not() -> None:
    assert trends(points(0.1, 0.12, 0.09, 0.11, 0.1)).count("| yes |") == 3
    assert "latency p50 (ms) | +40.00" in (grows := trends(points(0.1, 0.11, 0.12, 0.13, 0.14)))
    assert grows.count("| no |") == 2


def test_the_files_of_a_result_agree() -> None:
    outcome = Outcome({"command": "lethe eval sustainability"}, points(0.1, 0.2, 0.1))
    files = outcome.files()
    assert [point["p50"] for point in json.loads(files["results.json"])["points"]] == [0.1, 0.2, 0.1]
    assert files["report.md"].startswith(table(outcome.points))
    assert figure(outcome.points).count("<polyline") == 3
    assert not re.search(r"nan|inf", files["report.svg"])
