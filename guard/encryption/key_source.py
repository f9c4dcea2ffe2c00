"""Where the wrapping key comes from: a setting, a file, or the output of a command."""

from __future__ import annotations

import base64
import binascii
import shlex
import subprocess
from pathlib import Path

from guard.encryption.sealing import KEY_BYTES, Secret
from guard.errors import BadSettings

COMMAND_TIMEOUT_S = 60
MAX_TEXT_BYTES = 4096


class EncryptionKeyUnreadable(BadSettings):
    """The key of encryption cannot be read, or is none."""

    code = "encryption_key_unreadable"


def key_of(text: str) -> Secret:
    """Return the key of 32 bytes that is written in base64 or in 64 hexadecimal digits, blanks around it aside.

    Raises EncryptionKeyUnreadable, which does not repeat the text.
    """
    text = text.strip()
    for decode in (bytes.fromhex, _from_base64):
        try:
            value = decode(text)
        except ValueError:
            continue
        if len(value) == KEY_BYTES:
            return Secret(value)
    raise EncryptionKeyUnreadable(
        "the encryption key must be 32 random bytes in base64 or hexadecimal (openssl rand -base64 32)"
    )


def key_in_file(path: Path) -> Secret:
    """Return the key that the file holds. Raises EncryptionKeyUnreadable."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_TEXT_BYTES)
    except OSError as error:
        raise EncryptionKeyUnreadable(f"the encryption key's file cannot be read: {error.strerror}") from None
    return key_of(content.decode("ascii", errors="replace"))


def key_from_command(command: str) -> Secret:
    """Return the key that the command prints; it is run without a shell. Raises EncryptionKeyUnreadable."""
    try:
        ended = subprocess.run(
            shlex.split(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        raise EncryptionKeyUnreadable(
            f"the command for the encryption key cannot be run ({type(error).__name__})"
        ) from None
    if ended.returncode != 0:
        raise EncryptionKeyUnreadable(f"the command for the encryption key ended with status {ended.returncode}")
    return key_of(ended.stdout[:MAX_TEXT_BYTES].decode("ascii", errors="replace"))


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, altchars=b"-_" if "-" in text or "_" in text else None, validate=True)
    except binascii.Error as error:
        raise ValueError from error
