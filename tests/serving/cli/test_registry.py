from __future__ import annotations

import os
import pwd
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from guard.encryption.key_source import key_in_file
from guard.encryption.sealing import new_secret
from guard.registry.approval.rule import Approval
from guard.registry.registry import Registry
from guard.targets.target import Draft
from serving.cli.app import app

ROOT = Path(__file__).resolve().parents[3]


def test_a_registry_is_copied_and_its_digest_printed(tmp_path: Path) -> None:
    with closing(Registry(tmp_path / "lethe.db")) as registry:
        target = registry.add(Draft(name="Ada Quill"))
    arguments = ["registry", "copy", f"sqlite:///{tmp_path / 'lethe.db'}", f"sqlite:///{tmp_path / 'other.db'}"]
    copied = CliRunner().invoke(app, arguments)
    assert copied.exit_code == 0
    assert "policy version 1, 1 targets, 1 events" in copied.output
    with closing(Registry(tmp_path / "other.db")) as other:
        assert other.active() == [target]
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 1


# A process may lock a file twice, so that it takes another one to hold the folder.
HOLDS = """
import sys
from pathlib import Path
from serving.data_folder import owned
with owned(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_registry_that_a_server_uses_is_not_copied(tmp_path: Path) -> None:
    Registry(tmp_path / "lethe.db").close()
    (tmp_path / "b").mkdir()
    arguments = [
        "registry",
        "copy",
        f"sqlite:///{tmp_path / 'lethe.db'}",
        f"sqlite:///{tmp_path / 'b' / 'other.db'}",
    ]
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"held\n"
        assert CliRunner().invoke(app, arguments).exit_code == 1
        server.communicate(b"")
    assert list((tmp_path / "b").iterdir()) == []


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(app, ["registry", *arguments], env=environment)


def test_the_rule_of_approval_is_shown_and_set_for_all_servers_of_the_registry(tmp_path: Path) -> None:
    place = {"LETHE_DATA_DIR": str(tmp_path), "LETHE_APPROVAL": "four_eyes"}
    # The setting asks for it when a server starts, and this is none.
    assert run("approval", **place).output == "none\n"
    with closing(Registry(tmp_path / "lethe.db")) as registry:
        assert run("approval", "four_eyes", **place).output == "four_eyes\n"
        assert registry.approvals.rule.read() is Approval.FOUR_EYES
        assert run("approval", "none", **place).output == "none\n"
        assert registry.approvals.rule.read() is Approval.NONE
    assert run("approval", "three_eyes", **place).exit_code == 2


def test_the_trail_names_the_account_that_switched_the_rule_of_approval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {"LETHE_DATA_DIR": str(tmp_path)}
    for rule in ("none", "four_eyes", "four_eyes"):
        run("approval", rule, **place)
    # An account that has no name.
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_001)
    run("approval", "none", **place)
    with closing(Registry(tmp_path / "lethe.db")) as registry:
        events = registry.keys.events().events
    assert [(event.action, event.key_id, event.actor) for event in events] == [
        ("approval_required", "", f"command:{pwd.getpwuid(os.geteuid()).pw_name}"),
        ("approval_ended", "", "command:4000000001"),
    ]


def test_a_registry_is_encrypted_and_its_keys_are_changed(tmp_path: Path) -> None:
    data, first, second = tmp_path / "data", tmp_path / "first", tmp_path / "second"
    data.mkdir()
    for file in (first, second):
        file.write_text(new_secret().value.hex())
    with closing(Registry(data / "lethe.db")) as registry:
        target = registry.add(Draft(name="Ada Quill"))
    place = {"LETHE_DATA_DIR": str(data)}
    old, new = ({**place, "LETHE_ENCRYPTION_KEY_FILE": str(file)} for file in (first, second))
    assert "encryption_key_unreadable" in run("encrypt", **place).output
    assert "registry_not_encrypted" in run("reencrypt", **old).output
    assert "1 targets are encrypted" in run("encrypt", **old).output
    assert b"Quill" not in (data / "lethe.db").read_bytes()
    assert "encryption_key_wrong" in run("reencrypt", **new).output
    assert "1 targets are encrypted under a new data key" in run("reencrypt", **old).output
    assert "encryption_key_unreadable" in run("rewrap", **old).output
    assert "2 data keys are opened by both" in run("rewrap", "--file", str(second), **old).output
    assert "0 targets are encrypted" in run("encrypt", **old).output
    assert "2 data keys are opened by this key alone" in run("rewrap", "--drop", **new).output
    assert "encryption_key_wrong" in run("encrypt", **old).output
    with closing(Registry(data / "lethe.db", key_in_file(second))) as registry:
        assert registry.active() == [target]
