"""The compose files, read by an implementation of the Compose specification."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml

from serving.settings import load

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
FILES = ["compose.yaml", "compose.gpu.yaml"]
OURS = ("lethe", "engine", "prometheus", "grafana")


def read(name: str) -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def test_the_files_are_of_the_specification() -> None:
    specification = pytest.importorskip("compose_spec", reason="make deploy-check installs it")
    # Merge keys and variables are resolved before, as compose does.
    text = yaml.safe_dump(read("compose.yaml"))
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", re.sub(r"\$\{MODEL:\?[^}]*\}", "served/model", text))
    specification.PyCompose.from_yaml(text).validate()
    specification.PyCompose.from_yaml(yaml.safe_dump(read("compose.gpu.yaml")))


def test_only_loopback_is_published_and_nothing_of_the_engine_and_the_database() -> None:
    services = read("compose.yaml")["services"]
    published = {name: service.get("ports", []) for name, service in services.items()}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert {name for name, ports in published.items() if ports} == {"lethe", "grafana"}
    # Nobody but the data plane shares a network with the engine, nor with the database.
    for network in ("engine", "database"):
        assert {name for name, each in services.items() if network in each["networks"]} - {"engine", "db"} == {
            "lethe"
        }


@pytest.mark.parametrize("name", OURS)
def test_containers_are_read_only_and_have_no_capabilities(name: str) -> None:
    service = read("compose.yaml")["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_no_secret_is_in_the_environment() -> None:
    for service in read("compose.yaml")["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("KEY|PASSWORD|DATABASE", name):
                assert str(value).startswith("/run/secrets/"), name


def test_the_engine_loads_the_processor_of_its_runner() -> None:
    cpu, gpu = read("compose.yaml")["services"]["engine"], read("compose.gpu.yaml")["services"]["engine"]
    assert cpu["environment"]["PROCESSOR"] == "guard.vllm_v1:RestrictionProcessor"
    assert gpu["environment"]["PROCESSOR"] == "guard.vllm_v2:RestrictionProcessor"
    assert cpu["environment"]["LETHE_POLICY_DIR"] == "/data/policy"
    assert "policy:/data/policy" in cpu["volumes"]


def test_every_image_is_pinned_in_one_place() -> None:
    images = dict(
        line.split("=", 1)
        for line in (DEPLOY / "images.env").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    used = dict(re.findall(r"\$\{(\w+_IMAGE):-([^}]+)\}", text))
    assert used == {name: image.partition("@")[0] for name, image in images.items()}
    dockerfile = (DEPLOY.parent / "Dockerfile").read_text(encoding="utf-8")
    assert f"ARG PYTHON_IMAGE={images['PYTHON_IMAGE'].partition('@')[0]}" in dockerfile
    assert not re.search(r"^FROM python", dockerfile, re.M)


def test_new_secrets_make_settings_that_the_server_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copytree(
        DEPLOY, tmp_path / "deploy", ignore=lambda folder, names: [n for n in names if n not in ("new-secrets",)]
    )
    made = subprocess.run([tmp_path / "deploy" / "new-secrets"], capture_output=True, text=True, check=True)
    folder = tmp_path / "deploy" / "secrets"
    keys = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert not any(key in made.stdout for name, key in keys.items() if name != "lethe.toml")
    assert os.stat(folder).st_mode & 0o077 == 0
    monkeypatch.setenv("LETHE_CONFIG", str(folder / "lethe.toml"))
    settings = load()
    assert settings.admin_key.get_secret_value() == keys["admin_key"]
    assert settings.engine_key.get_secret_value() == keys["engine_key"]
    assert keys["postgres_password"] in settings.database.get_secret_value()
    again = subprocess.run([tmp_path / "deploy" / "new-secrets"], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert (folder / "admin_key").read_text(encoding="utf-8") == keys["admin_key"]
