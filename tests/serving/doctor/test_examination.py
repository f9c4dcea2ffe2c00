"""The checks of a server, running and down, and what `lethe doctor` prints of them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from guard.policy.folder.enforced_version import write_enforced_version
from guard.registry.approval.rule import Approval
from guard.registry.keys.key import Audience, KeyDraft
from guard.registry.registry import Registry
from guard.registry.replicas import Replica
from guard.targets.target import Draft
from serving.cli.app import app
from serving.client import AdminClient
from serving.doctor import server, stored
from serving.doctor.examination import examine
from serving.doctor.finding import Finding
from serving.engine.supervisor import EngineState, Member
from serving.settings import Settings
from tests.serving.admin_plane import Plane, client_of

ROOT = Path(__file__).resolve().parents[3]
READY = httpx.Response(200, json={"status": "ok"})


def levels(found: object) -> dict[str, str]:
    return {one.check: one.level.value for one in found}  # type: ignore[attr-defined]


def answering(monkeypatch: pytest.MonkeyPatch, came: httpx.Response) -> None:
    client = httpx.Client

    def made(**options: object) -> httpx.Client:
        return client(base_url=str(options["base_url"]), transport=httpx.MockTransport(lambda _: came))

    monkeypatch.setattr(server.httpx, "Client", made)


def dated(seconds: float) -> httpx.Response:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    return httpx.Response(200, json={"status": "ok"}, headers={"date": at})


def unready(code: str, message: str) -> httpx.Response:
    return httpx.Response(503, json={"error": {"code": code, "message": message}})


@pytest.mark.parametrize(
    ("came", "expected"),
    [
        (READY, {"data plane": "ok", "engine": "ok"}),
        (0, {"data plane": "ok", "engine": "ok", "clock": "ok"}),
        (-20, {"data plane": "ok", "engine": "ok", "clock": "warn"}),
        (900, {"data plane": "ok", "engine": "ok", "clock": "fail"}),
        (unready("self_test_failed", "the engine leaked"), {"data plane": "ok", "engine": "fail"}),
        (unready("engine_unavailable", "the engine is starting"), {"data plane": "ok", "engine": "fail"}),
        (httpx.Response(502, text="<html>"), {"data plane": "ok", "engine": "fail"}),
    ],
)
def test_the_data_plane_says_whether_the_engine_is_ready(
    monkeypatch: pytest.MonkeyPatch, came: httpx.Response | int, expected: dict[str, str]
) -> None:
    answering(monkeypatch, dated(came) if isinstance(came, int) else came)
    assert levels(server.data_plane("http://data:8000")) == expected


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    monkeypatch.setattr(AdminClient, "from_environment", lambda: client_of(plane))
    yield plane
    plane.registry.close()


def replica(name: str, version: int, *, live: bool = True) -> Replica:
    age = 0.0 if live else 1_000.0
    return Replica(
        id=name,
        name=name,
        version=version,
        engine="e",
        runner="v1",
        started_at=datetime.now(UTC),
        lease_s=60,
        age_s=age,
    )


def test_a_whole_server_is_ok(plane: Plane) -> None:
    plane.registry.add(Draft(name="Ada Quill"))
    plane.replicas = [replica("one:8000", 1)]
    found = list(server.admin_plane(client_of(plane)))
    assert set(levels(found).values()) == {"ok"}
    assert levels(found).keys() == {
        "admin plane",
        "policy",
        "audit trail",
        "audit trail of keys",
        "replicas",
        "engines",
    }


def test_replicas_that_are_behind_or_lost_are_named(plane: Plane) -> None:
    plane.registry.add(Draft(name="Ada Quill"))
    plane.replicas = [replica("one:8000", 0), replica("two:8000", 1, live=False)]
    said = [one.detail for one in server.admin_plane(client_of(plane)) if one.check == "replicas"]
    assert said == ["behind version 1: one:8000", "lost: two:8000"]


def test_engines_that_are_away_or_drained_are_named(plane: Plane) -> None:
    away = Member("http://one:8000", EngineState.STARTING, "the engine is starting", 0, False)
    drained = Member("http://two:8000", EngineState.READY, "", 3, True)
    plane.engines.members = [away, drained]
    said = [one.detail for one in server.admin_plane(client_of(plane)) if one.check == "engines"]
    assert said == ["not ready: http://one:8000 (the engine is starting)", "drained: http://two:8000"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def stored_in(settings: Settings) -> dict[str, str]:
    return levels(stored.registry(settings))


def test_the_registry_of_a_server_that_is_down_is_read_and_not_written(settings: Settings) -> None:
    assert stored_in(settings) == {"registry": "skip"}
    path = settings.data_dir / "lethe.db"
    registry = Registry(path)
    registry.add(Draft(name="Ada Quill"))
    registry.approvals.rule.write(Approval.FOUR_EYES)
    registry.close()
    before = path.read_bytes()
    assert stored_in(settings) == {"registry": "ok", "audit trail": "ok", "audit trail of keys": "ok"}
    assert path.read_bytes() == before
    write_enforced_version(settings.policy_dir, 7)
    assert stored_in(settings) == {"registry": "fail", "audit trail": "ok", "audit trail of keys": "ok"}


def test_a_trail_that_somebody_changed_and_a_file_that_is_none_fail(settings: Settings) -> None:
    path = settings.data_dir / "lethe.db"
    registry = Registry(path)
    registry.add_many([Draft(name="Ada Quill"), Draft(name="Bo Quill")])
    registry.keys.create(KeyDraft(name="chat", audience=Audience.CLIENT))
    registry.close()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER events_stay_on_update")
        connection.execute("UPDATE events SET revision = 9 WHERE seq = 2")
    connection.close()
    (trail,) = (one for one in stored.registry(settings) if one.check == "audit trail")
    assert (trail.level, trail.detail) == ("fail", "broken at event 2")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER key_events_stay_on_update")
        connection.execute("UPDATE key_events SET key_id = 'another' WHERE seq = 1")
    connection.close()
    (trail,) = (one for one in stored.registry(settings) if one.check == "audit trail of keys")
    assert (trail.level, trail.detail) == ("fail", "broken at event 1")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE key_events")
    connection.close()
    assert stored_in(settings)["audit trail of keys"] == "skip"
    path.write_text("no database " * 100)
    assert stored_in(settings) == {"registry": "fail"}


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No server, no key, and a data folder without a registry."""
    for name in ("LETHE_ADMIN_KEY", "ADMIN_URL", "ADMIN_PORT", "LETHE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LETHE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("LETHE_MODEL", "toy")
    monkeypatch.setenv("LETHE_PORT", "1")


def test_with_the_server_down_the_rest_is_examined(nothing: None) -> None:
    found = levels(examine())
    assert found.pop("versions") in ("ok", "warn", "fail")
    assert found == {
        "settings": "ok",
        "keys": "ok",
        "processors": "ok",
        "model": "ok",
        "disk": "ok",
        "data plane": "fail",
        "admin plane": "skip",
        "registry": "skip",
    }


def test_settings_that_cannot_be_read_do_not_keep_it_from_the_rest(
    nothing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LETHE_PORT", "sesame-port")
    found = list(examine("http://127.0.0.1:1"))
    assert levels(found)["settings"] == levels(found)["data plane"] == "fail"
    assert "sesame" not in str(found)


def test_the_command_prints_what_to_do_and_its_status_says_whether_anything_fails(nothing: None) -> None:
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "fail\tdata plane\tno server answers at http://127.0.0.1:1" in result.stdout
    assert "lethe serve" in result.stdout
    found = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert found["healthy"] is False
    assert {"check", "level", "detail", "advice", "page"} == found["findings"][0].keys()
    assert "data_plane" in CliRunner().invoke(app, ["doctor", "--quiet"]).stdout.splitlines()


def test_every_page_that_is_named_exists_and_every_check_is_documented() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "serving/doctor").glob("*.py"))
    pages = set(re.findall(r'"([\w-]+\.md(?:#[\w-]+)?)"', sources))
    assert len(pages) > 8
    for page, _, part in (name.partition("#") for name in pages):
        headings = re.findall(r"^#+ (.*)$", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.M)
        assert not part or part in {heading.lower().replace(" ", "-") for heading in headings}, (page, part)
    table = (ROOT / "docs/cli.md").read_text(encoding="utf-8").split("## Doctor\n")[1].split("\n## ")[0]
    checks = set(re.findall(r'(?:Finding|ok)\(\s*"([a-z ]+)"', sources)) | {"versions", "disk", "keys"}
    assert checks == set(re.findall(r"^\| `([a-z ]+)` \|", table, re.M))


def test_a_finding_has_no_secret_in_an_address() -> None:
    (found,) = server.data_plane("http://user:sesame@127.0.0.1:1")
    assert isinstance(found, Finding)
    assert "sesame" not in str(found)
