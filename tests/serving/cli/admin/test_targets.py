from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from guard.targets.target import Draft
from serving.cli.app import app
from serving.client import AdminClient
from serving.client.targets import Target

PASSAGE = "When the rain had gone the old men came out and sat by the wall and told how the sea had stood."


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target.model_construct(passages=("A storm came.", PASSAGE), quoted_words=8)

    def get(self: AdminClient, target_id: str, *, reveal: bool = False) -> Any:
        assert reveal
        return target

    monkeypatch.setenv("LETHE_ADMIN_KEY", "key")
    monkeypatch.setattr(AdminClient, "get", get)


@pytest.mark.parametrize(("words", "status"), [(7, 0), (8, 1)])
def test_a_quotation_is_certified_against_the_target_s_limit(
    stored: None, tmp_path: Path, words: int, status: int
) -> None:
    file = tmp_path / "answers.txt"
    file.write_text(f"So: {' '.join(PASSAGE.split()[4 : 4 + words])}!")
    result = CliRunner().invoke(app, ["targets", "quoted", "ft_1", str(file)])
    assert result.exit_code == status
    said = " ".join(result.output.split())
    assert said == (
        f"longest quote: {words} words (passage 2 of 2); runs of 8 words are forbidden"
        f" longest near quote: {words} words, less those that were replaced, added or left out"
    )


def test_a_quotation_with_a_word_changed_is_told_as_a_near_quote(stored: None, tmp_path: Path) -> None:
    file = tmp_path / "answers.txt"
    file.write_text("the rain had gone the young men came out and sat by a wall")
    result = CliRunner().invoke(app, ["targets", "quoted", "ft_1", str(file)])
    assert result.exit_code == 0
    assert "longest quote: 6 words" in result.output
    assert "longest near quote: 10 words" in " ".join(result.output.split())


def test_a_file_that_cannot_be_read_is_an_error(stored: None, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["targets", "quoted", "ft_1", str(tmp_path / "missing")])
    assert result.exit_code == 1


def test_a_target_is_added_with_all_that_was_said_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added: list[dict[str, Any]] = []

    def add(self: AdminClient, draft: dict[str, Any], *, reveal: bool = False, urgent: bool = False) -> Any:
        added.append(draft)
        return Target.model_construct(id="ft_1")

    monkeypatch.setenv("LETHE_ADMIN_KEY", "key")
    monkeypatch.setattr(AdminClient, "add", add)
    (tmp_path / "tale.txt").write_text(PASSAGE)
    flags = ["--passage", str(tmp_path / "tale.txt"), "--decoder", "beam", "--soft", "--method", "guard"]
    flags += ["--variants", "wide", "--pattern", "phone/gb=020 7946 0958"]
    result = CliRunner().invoke(app, ["targets", "add", "The Sea Wall", "--kind", "work", *flags])
    assert result.exit_code == 0
    (draft,) = added
    assert (draft["passages"], draft["decoder"], draft["soft"]) == ([PASSAGE], "beam", True)
    assert draft["variants"] == "wide"
    assert draft["patterns"] == [{"kind": "phone", "value": "020 7946 0958", "country": "gb"}]
    Draft(**{key: tuple(value) if isinstance(value, list) else value for key, value in draft.items()})


def test_a_passage_that_cannot_be_read_adds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETHE_ADMIN_KEY", "key")
    monkeypatch.delattr(AdminClient, "add")
    result = CliRunner().invoke(app, ["targets", "add", "The Sea Wall", "--passage", str(tmp_path / "missing")])
    assert result.exit_code == 1
    assert "unreadable_file" in result.output


def test_a_row_that_is_refused_is_named_with_its_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = {
        "code": "invalid_request",
        "detail": "the request is not of the documented form",
        "errors": [
            {"field": "targets[1].name", "detail": "needs two letters or digits"},
            {"field": "targets[2].facts[0].nmae", "detail": "Extra inputs are not permitted"},
            {"field": "targets[0]", "detail": "is odd"},
        ],
    }
    transport = httpx.MockTransport(lambda _: httpx.Response(422, json=problem))
    refusing = AdminClient("http://admin", "key", transport=transport)
    monkeypatch.setattr(AdminClient, "from_environment", lambda: refusing)
    (tmp_path / "t.jsonl").write_text('{"name": "Ada Quill"}\n\n{"name": "!"}\n{"name": "Cy Quill"}\n')
    result = CliRunner().invoke(app, ["targets", "import", str(tmp_path / "t.jsonl")])
    assert result.exit_code == 1
    assert "line 3, name: needs two letters or digits" in result.output
    assert "line 4, facts[0].nmae: Extra inputs" in result.output
    assert "line 1, target: is odd" in result.output
