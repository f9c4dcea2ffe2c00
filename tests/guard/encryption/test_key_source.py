from __future__ import annotations

import base64
import shlex
import sys
from pathlib import Path

import pytest

from guard.encryption.key_source import EncryptionKeyUnreadable, key_from_command, key_in_file, key_of

BYTES = bytes(range(224, 256))


@pytest.mark.parametrize(
    "text",
    [
        BYTES.hex(),
        BYTES.hex().upper(),
        base64.b64encode(BYTES).decode(),
        base64.urlsafe_b64encode(BYTES).decode(),
        f"  {BYTES.hex()}\r\n",
    ],
)
def test_a_key_is_32_bytes_in_base64_or_hexadecimal(text: str) -> None:
    assert key_of(text).value == BYTES


@pytest.mark.parametrize(
    "text", ["", "hunter2", "00" * 31, "00" * 33, base64.b64encode(b"\0" * 24).decode(), "g" * 64, "ä" * 64]
)
def test_anything_else_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(EncryptionKeyUnreadable) as refused:
        key_of(text)
    assert not text or text not in refused.value.message


def test_a_key_is_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{BYTES.hex()}\n")
    assert key_in_file(file).value == BYTES
    file.write_bytes(b"\xff" * 64)
    with pytest.raises(EncryptionKeyUnreadable):
        key_in_file(file)
    with pytest.raises(EncryptionKeyUnreadable, match="No such file"):
        key_in_file(tmp_path / "missing")


def test_a_key_is_what_a_command_prints(tmp_path: Path) -> None:
    file = tmp_path / "the key"
    file.write_text(BYTES.hex())
    assert key_from_command(f"cat {shlex.quote(str(file))}").value == BYTES


@pytest.mark.parametrize("command", ["false", "no-such-command-here", "echo short", "'", "   "])
def test_a_command_that_prints_no_key_is_refused(command: str) -> None:
    with pytest.raises(EncryptionKeyUnreadable):
        key_from_command(command)


def test_what_a_command_prints_beside_the_key_is_not_repeated() -> None:
    with pytest.raises(EncryptionKeyUnreadable) as refused:
        key_from_command(f"{sys.executable} -c \"import sys; print('hush'); sys.exit('hush')\"")
    assert "hush" not in refused.value.message
