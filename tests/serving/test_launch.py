from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guard.errors import ModelUnavailable
from serving import launch
from serving.http.asgi import App, Receive, Scope, Send
from serving.http.listening import base_url
from serving.http.uvicorn_server import server_of
from serving.launch import resolve_model
from serving.settings import TOY, Settings


@pytest.fixture
def app() -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None: ...

    return app


def test_an_idle_connection_outlives_those_of_usual_load_balancers(app: App) -> None:
    kept = Settings().keep_alive_s
    assert kept > 60
    assert server_of(app, kept).config.timeout_keep_alive == kept


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("::", "http://[::]:80"),
        ("::1", "http://[::1]:80"),
        ("h", "http://h:80"),
    ],
)
def test_an_address_is_printed_as_a_url_that_can_be_followed(host: str, url: str) -> None:
    assert base_url(host, 80) == url


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What was converted or trained, without the work."""
    calls: list[tuple[str, Any]] = []

    def convert(source: Path, folder: Path, *sampling: object) -> Path:
        calls.append(("converted", source.name))
        return folder / "gguf"

    def train(folder: Path) -> Path:
        calls.append(("trained", folder.name))
        return folder / "toy"

    monkeypatch.setattr(launch, "ensure_converted", convert)
    monkeypatch.setattr(launch, "ensure_demo_model", train)
    monkeypatch.setattr(launch, "packaged_smollm2", lambda: Path("packaged.gguf"))
    return calls


@pytest.mark.parametrize("named", ["", "smollm2"])
def test_a_server_without_a_model_serves_the_packaged_one(prepared: list[Any], named: str, tmp_path: Path) -> None:
    settings = Settings(model=named, data_dir=tmp_path)
    assert resolve_model(settings) == str(tmp_path / "models" / "gguf")
    assert prepared == [("converted", "packaged.gguf")]


@pytest.mark.parametrize(("named", "default"), [("toy", "smollm2"), ("", TOY)])
def test_the_toy_is_served_by_name_and_is_what_benches_run_on(
    prepared: list[Any], named: str, default: str, tmp_path: Path
) -> None:
    resolve_model(Settings(model=named, data_dir=tmp_path), default)
    assert prepared == [("trained", "demo")]


def test_a_gguf_file_is_converted_wherever_it_is(prepared: list[Any], tmp_path: Path) -> None:
    (tmp_path / "quill.gguf").write_bytes(b"GGUF")
    for named in (tmp_path, tmp_path / "quill.gguf"):
        resolve_model(Settings(model=str(named), data_dir=tmp_path / "data"))
    assert prepared == [("converted", "quill.gguf")] * 2


def test_a_folder_that_the_engine_loads_is_left_as_it_is(prepared: list[Any], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert resolve_model(Settings(model=str(tmp_path), data_dir=tmp_path / "data")) == str(tmp_path)
    with pytest.raises(ModelUnavailable):
        resolve_model(Settings(model="word", data_dir=tmp_path / "data"))
    assert prepared == []
