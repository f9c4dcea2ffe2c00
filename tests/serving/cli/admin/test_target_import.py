from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from guard.errors import DuplicateTarget
from guard.patterns.pattern import Pattern, PatternKind
from guard.registry.registry import Registry
from guard.targets.target import Decoder, Draft, Fact, Kind, Method, Mode, Scope
from guard.variants.variant import Variants
from serving.admin import target_file
from serving.admin.requests import Batch
from serving.admin.responses import target_of
from serving.cli.admin import target_import
from serving.cli.app import app
from serving.client import AdminClient

EVERYTHING = Draft(
    name="Ilsabet Quarne",
    kind=Kind.SECRET,
    aliases=("Belle Quarne", "Die Müllerin"),
    facts=(Fact(question="Where?", answer="In Ost\u2028Halde."), Fact(answer='She said "no".')),
    passages=("The tide\ncame in.",),
    phrases=("zk-4f9a",),
    patterns=(Pattern(kind=PatternKind.IBAN, value="DE89370400440532013000"),),
    exceptions=("Halde",),
    variants=Variants.WIDE,
    methods=(Method.GUARD, Method.ULD),
    scope=Scope.ALWAYS,
    mode=Mode.SHADOW,
    decoder=Decoder.BEAM,
    alpha=0.75,
    filter_rate=0.25,
    quoted_words=5,
    soft=True,
    shared=True,
    expires_at=datetime.now(UTC) + timedelta(days=400),
    basis="Art. 17",
    external_ref="case-12",
)


class AdminPlane:
    """The routes that an import and an export use, on a real registry; enforced after so many questions."""

    def __init__(self, registry: Registry, enforced_after: float = 0) -> None:
        self.registry = registry
        self.enforced_after = enforced_after
        self.batches: list[int] = []
        self.asked = itertools.count()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        params = request.url.params
        if request.url.path.endswith(":batch"):
            drafts = [each.draft() for each in Batch(**json.loads(request.content)).read()]
            self.batches.append(len(drafts))
            if any(draft.name == "Bad Row" for draft in drafts):
                place = next(n for n, draft in enumerate(drafts) if draft.name == "Bad Row")
                fault = {"field": f"targets[{place}].name", "detail": "is bad"}
                return httpx.Response(422, json={"code": "invalid_request", "detail": "no", "errors": [fault]})
            if params["skip_existing"] == "true":
                added = self.registry.add_missing(drafts)
                body = {"ids": [target.id for target in added.targets], "existing": added.existing}
            else:
                try:
                    body = {"ids": [target.id for target in self.registry.add_many(drafts)], "existing": []}
                except DuplicateTarget as error:
                    return httpx.Response(409, json={"code": error.code, "detail": error.message})
            return httpx.Response(201, json=body)
        if request.url.path.endswith("/policy"):
            version = self.registry.version()
            behind = next(self.asked) < self.enforced_after
            versions = {"version": version, "enforced_version": version - behind, "pending": int(behind)}
            return httpx.Response(200, json={**versions, "targets": {}, "enforced": {}, "encrypted": False})
        page = self.registry.list(params.get("cursor"), int(params["limit"]), params.get("state"))  # type: ignore[arg-type]
        targets = [json.loads(target_of(target, reveal=True).model_dump_json()) for target in page.items]
        return httpx.Response(200, json={"targets": targets, "next_cursor": page.next})


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AdminPlane]:
    registry = Registry(tmp_path / "registry.db")
    plane = AdminPlane(registry)
    transport = httpx.MockTransport(lambda request: plane(request))
    monkeypatch.setattr(
        AdminClient,
        "from_environment",
        lambda: AdminClient("http://admin", "key", transport=transport),
    )
    monkeypatch.setattr(target_import, "time", SimpleNamespace(monotonic=itertools.count().__next__, sleep=id))
    yield plane
    registry.close()


def crowd(path: Path, count: int, **members: Any) -> Path:
    names = (f"Person{number:05d} Quillfeather" for number in range(count))
    path.write_text("".join(json.dumps({"name": name, **members}) + "\n" for name in names))
    return path


def lethe(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["targets", *map(str, arguments)])


def test_a_large_file_is_stored_in_batches_and_waited_for(plane: AdminPlane, tmp_path: Path) -> None:
    plane.enforced_after = 5
    result = lethe("import", crowd(tmp_path / "t.jsonl", 2_300))
    assert result.exit_code == 0
    assert plane.batches == [1_000, 1_000, 300]
    first, *ids = result.output.splitlines()
    assert first == "enforced: 2300"
    assert ids == [target.id for target in plane.registry.active()]


def test_rows_with_long_texts_make_smaller_batches(
    plane: AdminPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target_file, "MAX_BATCH_BYTES", 20_000)
    assert lethe("import", crowd(tmp_path / "t.jsonl", 150, passages=["word " * 120])).exit_code == 0
    assert sum(plane.batches) == 150
    assert 1 < max(plane.batches) <= 20_000 / 600


def test_what_is_not_enforced_in_time_is_told_with_its_ids(plane: AdminPlane, tmp_path: Path) -> None:
    plane.enforced_after = float("inf")
    result = lethe("import", crowd(tmp_path / "t.jsonl", 3), "--wait", 20)
    assert result.exit_code == 3
    assert result.output.splitlines() == [
        "stored, not yet enforced: 3",
        *(target.id for target in plane.registry.active()),
    ]


def test_a_second_import_skips_what_is_there(plane: AdminPlane, tmp_path: Path) -> None:
    file = crowd(tmp_path / "t.jsonl", 1_200)
    assert lethe("import", file).exit_code == 0
    refused = lethe("import", file)
    again = lethe("import", crowd(file, 1_201), "--skip-existing")
    assert (refused.exit_code, again.exit_code) == (1, 0)
    assert "duplicate_target" in refused.output
    assert again.output.splitlines()[:2] == ["enforced: 1", "skipped as existing: 1200"]
    assert len(plane.registry.active()) == 1_201


def test_a_refusal_in_a_later_batch_names_its_row_and_what_is_stored(plane: AdminPlane, tmp_path: Path) -> None:
    file = crowd(tmp_path / "t.jsonl", 1_500)
    with file.open("a") as lines:
        lines.write('{"name": "Bad Row"}\n')
    result = lethe("import", file)
    assert result.exit_code == 1
    assert "line 1501, name: is bad" in result.output
    assert "stored, not yet enforced: 1000" in result.output
    assert len(plane.registry.active()) == 1_000


def test_an_export_is_imported_as_the_same_targets(plane: AdminPlane, tmp_path: Path) -> None:
    drafts = [EVERYTHING, Draft(name="மணி"), *(Draft(name=f"Person {n} Quill") for n in range(450))]
    stored = plane.registry.add_many(drafts)
    ended = plane.registry.add(Draft(name="Ended Quill"))
    plane.registry.revoke(ended.id)
    file = tmp_path / "out" / "t.jsonl"
    assert lethe("export", tmp_path / "missing" / "t.jsonl").exit_code == 1
    file.parent.mkdir()
    assert lethe("export", file).exit_code == 0
    assert file.stat().st_mode & 0o077 == 0
    for target in stored:
        plane.registry.revoke(target.id)
    assert lethe("import", file).exit_code == 0
    assert [target.draft for target in plane.registry.active()] == drafts
    assert lethe("export", "-").output == file.read_text()
