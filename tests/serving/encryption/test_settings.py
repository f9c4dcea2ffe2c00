"""The settings of encryption: one source of the key, and where decrypted files lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.encryption.key_source import EncryptionKeyUnreadable
from guard.encryption.sealing import new_secret
from guard.errors import BadSettings
from serving.settings import Settings, load

KEY = new_secret()


def test_nothing_is_encrypted_by_default(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert not settings.encrypted
    assert settings.wrapping_key() is None
    assert settings.policy_dir == tmp_path / "policy"
    assert settings.assistants_dir == tmp_path / "assistants"


def test_each_source_of_the_key_switches_it_on(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(KEY.value.hex())
    for given in (
        {"encryption_key": f" {KEY.value.hex()}\n"},
        {"encryption_key_file": str(file)},
        {"encryption_key_command": f"cat {file}"},
    ):
        settings = Settings(data_dir=tmp_path, **given)
        assert settings.encrypted
        assert settings.wrapping_key() == KEY
        assert KEY.value.hex() not in repr(settings)


def test_the_key_has_one_source() -> None:
    with pytest.raises(BadSettings):
        load(encryption_key=KEY.value.hex(), encryption_key_file="key")


def test_a_key_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for given in ({"encryption_key": "short"}, {"encryption_key_file": str(tmp_path / "no")}):
        with pytest.raises(EncryptionKeyUnreadable):
            Settings(**given).wrapping_key()


def test_decrypted_files_lie_in_memory_and_two_servers_have_two_folders(tmp_path: Path) -> None:
    first, second = (Settings(data_dir=tmp_path / name, encryption_key=KEY.value.hex()) for name in ("a", "b"))
    for folder in (first.policy_dir, first.assistants_dir, first.promoted_dir, first.detector_dir):
        assert folder.is_relative_to("/dev/shm")
    assert first.opened_dir != second.opened_dir
    named = Settings(data_dir=tmp_path, encryption_key=KEY.value.hex(), memory_dir="/run/lethe")
    assert named.policy_dir == Path("/run/lethe/policy")
