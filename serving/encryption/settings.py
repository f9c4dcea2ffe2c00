"""The settings of what a server stores in files: where, and whether encrypted."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from guard.encryption.key_source import key_from_command, key_in_file, key_of
from guard.encryption.sealing import Secret
from serving.keys import trimmed

MEMORY = Path("/dev/shm")


class StorageSettings(BaseSettings):
    """A part of `serving.settings.Settings`."""

    data_dir: Path = Field(Path(".lethe"), description="Folder of the database, compiled policies and caches.")
    encryption_key: Annotated[SecretStr, AfterValidator(trimmed)] = Field(
        SecretStr(""),
        description=(
            "Key by which everything that tells a target is encrypted on disk and in the database: 32 random "
            "bytes in base64 or hexadecimal; empty, as the next two: nothing is encrypted."
        ),
    )
    encryption_key_file: str = Field(
        "", description="File that holds the encryption key, in the place of the key."
    )
    encryption_key_command: str = Field(
        "", description="Command that prints the encryption key, run without a shell at start."
    )
    memory_dir: str = Field(
        "",
        description=(
            "Folder in memory (tmpfs) for what is decrypted, of this server alone; empty: one in `/dev/shm`. "
            "Without encryption it is not used."
        ),
    )

    @model_validator(mode="after")
    def _one_source(self) -> StorageSettings:
        if sum(map(bool, (self.encryption_key, self.encryption_key_file, self.encryption_key_command))) > 1:
            raise ValueError("the encryption key has one source")
        return self

    @property
    def encrypted(self) -> bool:
        """Whether what tells a target is encrypted."""
        return bool(self.encryption_key or self.encryption_key_file or self.encryption_key_command)

    def wrapping_key(self) -> Secret | None:
        """Read the encryption key, None if nothing is encrypted. Raises EncryptionKeyUnreadable."""
        if self.encryption_key_command:
            return key_from_command(self.encryption_key_command)
        if self.encryption_key_file:
            return key_in_file(Path(self.encryption_key_file))
        return key_of(self.encryption_key.get_secret_value()) if self.encryption_key else None

    @property
    def opened_dir(self) -> Path:
        """Folder of what tells targets and others read: the data folder, or one in memory if it is encrypted."""
        return self._memory_folder() if self.encrypted else self.data_dir

    @property
    def policy_dir(self) -> Path:
        """Folder of compiled automata, which the engine's workers load."""
        return self.opened_dir / "policy"

    @property
    def assistants_dir(self) -> Path:
        """Folder of ULD's assistants, whatever their status, and of the training queue."""
        return self.opened_dir / "assistants"

    @property
    def promoted_dir(self) -> Path:
        """Folder of the assistants that are served."""
        return self.assistants_dir / "promoted"

    @property
    def detector_dir(self) -> Path:
        """Folder of the trained detector, if there is one."""
        return self.opened_dir / "detector"

    def _memory_folder(self) -> Path:
        if self.memory_dir:
            return Path(self.memory_dir)
        name = hashlib.sha256(os.fsencode(self.data_dir.resolve())).hexdigest()[:16]
        return MEMORY / f"lethe-{os.geteuid()}-{name}"
