from __future__ import annotations

from pathlib import Path

import pytest

from guard.errors import BadSettings
from guard.registry.database import PostgresUrl
from serving.settings import Settings, load


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for key in list(os.environ):
        if key.startswith("LETHE_"):
            monkeypatch.delenv(key)


def test_defaults_serve_on_loopback_only() -> None:
    settings = load()
    assert (settings.host, settings.admin_host, settings.port, settings.admin_port) == (
        "127.0.0.1",
        "127.0.0.1",
        8000,
        8001,
    )


def test_flags_outrank_the_environment_and_that_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "lethe.toml"
    file.write_text('port = 1\nadmin_port = 2\nmodel = "from-file"\n')
    monkeypatch.setenv("LETHE_CONFIG", str(file))
    monkeypatch.setenv("LETHE_PORT", "3")
    monkeypatch.setenv("LETHE_ADMIN_PORT", "4")
    settings = load(port=5)
    assert (settings.port, settings.admin_port, settings.model) == (5, 4, "from-file")


def test_an_unknown_key_is_an_error_wherever_it_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="colour"):
        load(colour="red")
    file = tmp_path / "lethe.toml"
    file.write_text("colour = 1\n")
    monkeypatch.setenv("LETHE_CONFIG", str(file))
    with pytest.raises(BadSettings, match="colour"):
        load()
    monkeypatch.delenv("LETHE_CONFIG")
    monkeypatch.setenv("LETHE_COLOUR", "red")
    with pytest.raises(BadSettings, match="LETHE_COLOUR"):
        load()


SERVICE = {
    "LETHE_PORT": "tcp://10.0.0.7:8000",
    "LETHE_SERVICE_HOST": "10.0.0.7",
    "LETHE_SERVICE_PORT": "8000",
    "LETHE_SERVICE_PORT_HTTP": "8000",
    "LETHE_PORT_8000_TCP": "tcp://10.0.0.7:8000",
    "LETHE_PORT_8000_TCP_PROTO": "tcp",
    "LETHE_PORT_8000_TCP_PORT": "8000",
    "LETHE_PORT_8000_TCP_ADDR": "10.0.0.7",
}


@pytest.mark.parametrize("service", ["LETHE", "LETHE_ADMIN", "LETHE_EVAL", "LETHE_STORE"])
def test_a_kubernetes_service_of_that_name_sets_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: str
) -> None:
    file = tmp_path / "lethe.toml"
    file.write_text("port = 1\n")
    monkeypatch.setenv("LETHE_CONFIG", str(file))
    for name, value in SERVICE.items():
        monkeypatch.setenv(name.replace("LETHE", service, 1), value)
    settings = load()
    assert (settings.port, settings.admin_port, settings.eval_port) == (1, 8001, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LETHE_PROT", "1"),
        ("LETHE_SERVICE_HOSTS", "10.0.0.7"),
        ("LETHE_PROT", "tcp://h:1"),
        ("LETHE_STORE_PORT", "1"),
    ],
)
def test_a_misspelt_setting_is_an_error_beside_a_kubernetes_service(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    for given in SERVICE.items():
        monkeypatch.setenv(*given)
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=name):
        load()


def test_a_malformed_value_names_the_key_and_not_the_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETHE_PORT", "sesame")
    with pytest.raises(BadSettings, match="port") as refused:
        load()
    assert "sesame" not in refused.value.message


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe"])
def test_an_unreadable_file_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "lethe.toml"
    file.write_bytes(content)
    monkeypatch.setenv("LETHE_CONFIG", str(file))
    with pytest.raises(BadSettings, match="LETHE_CONFIG"):
        load()


@pytest.mark.parametrize("name", ["admin_key", "agents_key", "guardrail_key"])
def test_keys_are_trimmed_and_one_that_no_header_carries_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"LETHE_{name.upper()}", "s3cret\n")
    assert getattr(load(), name).get_secret_value() == "s3cret"
    monkeypatch.setenv(f"LETHE_{name.upper()}", "s3\ncret")
    with pytest.raises(BadSettings, match=name):
        load()


def test_origins_are_listed_as_a_browser_spells_them() -> None:
    assert load().origins == ()
    assert load(cors_origins="https://a.example/, http://localhost:3000,").origins == (
        "https://a.example",
        "http://localhost:3000",
    )


def test_keys_do_not_show() -> None:
    shown = repr(load(admin_key="hunter2", api_keys="a,b"))
    assert "hunter2" not in shown
    assert "a,b" not in shown


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_has_a_help_text(name: str) -> None:
    assert Settings.model_fields[name].description


def test_a_registry_is_in_the_data_folder_or_where_its_url_says(tmp_path: Path) -> None:
    assert load(data_dir=tmp_path).registry == tmp_path / "lethe.db"
    assert load(database="sqlite:////srv/registry.db").registry == Path("/srv/registry.db")
    assert load(database="sqlite:///registry.db").registry == Path("registry.db")
    assert load(database="postgresql://ada:s3cret@db/lethe").registry == PostgresUrl(
        "postgresql://ada:s3cret@db/lethe"
    )


@pytest.mark.parametrize(
    "url", ["mysql://a:s3cret@db/x", "sqlite://", "sqlite:///", "sqlite:///:memory:", "s3cret"]
)
def test_a_database_of_another_kind_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BadSettings, match="sqlite:///PATH or postgresql://") as caught:
        load(database=url)
    assert "s3cret" not in str(caught.value)


def test_the_password_of_a_database_is_not_printed() -> None:
    settings = load(database="postgresql://ada:s3cret@db/lethe")
    assert "s3cret" not in f"{settings!r} {settings.registry!r} {settings.registry}"
