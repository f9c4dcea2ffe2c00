"""Assistants on disk: trained weights, and a manifest that says which model they belong to."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guard.errors import ModelUnavailable
from guard.files import atomic_folder
from guard.uld import digests

# The server reads manifests without loading torch.
if TYPE_CHECKING:
    import torch

_MANIFEST = "manifest.json"
_WEIGHTS = "weights.safetensors"
_FORMAT_VERSION = 1


class Training(StrEnum):
    """What is trained: a LoRA adapter of every linear layer, or all weights of the layers (full fine-tuning)."""

    LORA = "low-rank"
    FULL = "whole"


class Status(StrEnum):
    """The status of an assistant: only a promoted one is served."""

    TRAINED = "trained"
    PROMOTED = "promoted"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an assistant was trained from, and how it is used.

    base, tokenizer, corpus, weights   sha256 of the target model's weights, its tokenizer, the training texts and
                                       the trained weights
    alpha, filter_rate                 strength and filter rate for requests that name none
    targets                            ids of the forget targets that it is subtracted for
    """

    base: str
    tokenizer: str
    corpus: str
    weights: str
    layers: int
    training: Training
    rank: int
    epochs: int
    seed: int
    alpha: float
    filter_rate: float
    forget_loss: float
    retain_loss: float
    targets: tuple[str, ...] = ()
    format: int = _FORMAT_VERSION

    @property
    def digest(self) -> str:
        """The sha256 that names the assistant."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def text(self) -> str:
        """Return the manifest as canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True, indent=1) + "\n"

    @classmethod
    def read(cls, text: str) -> Manifest:
        """Parse the manifest from JSON; raises ModelUnavailable when it is malformed."""
        try:
            values: dict[str, Any] = json.loads(text)
            closed = {"training": Training(values["training"]), "targets": tuple(values["targets"])}
            manifest = cls(**values | closed)
        except (ValueError, TypeError, KeyError) as error:
            raise ModelUnavailable("the assistant's manifest is damaged") from error
        if manifest.format != _FORMAT_VERSION:
            raise ModelUnavailable(
                f"the assistant has format {manifest.format}, and this release reads {_FORMAT_VERSION}"
            )
        return manifest


@dataclass(frozen=True, slots=True)
class Assistant:
    """An assistant in a folder; its digest is that of its manifest."""

    digest: str
    manifest: Manifest
    folder: Path

    @classmethod
    def open(cls, parent: Path, digest: str) -> Assistant:
        """Return the assistant of this digest in `parent`; raises ModelUnavailable when missing or changed."""
        folder = parent / digest
        try:
            manifest = Manifest.read((folder / _MANIFEST).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ModelUnavailable(f"no assistant {digest[:12]} is there") from error
        if manifest.digest != digest:
            raise ModelUnavailable(f"the manifest of assistant {digest[:12]} was changed")
        return cls(digest, manifest, folder)

    def belongs_to(self, model: str | Path, tokenizer: str | Path | None = None) -> None:
        """Raise ModelUnavailable unless it was trained on this model and tokenizer."""
        if self.manifest.base != digests.of_weights(model):
            raise ModelUnavailable(f"assistant {self.digest[:12]} was trained on another model")
        if self.manifest.tokenizer != digests.of_tokenizer(tokenizer or model):
            raise ModelUnavailable(f"assistant {self.digest[:12]} was trained with another tokenizer")

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the trained weights by parameter name; ModelUnavailable when they are missing or damaged."""
        from safetensors.torch import load

        try:
            content = (self.folder / _WEIGHTS).read_bytes()
        except OSError as error:
            raise ModelUnavailable(f"the weights of assistant {self.digest[:12]} cannot be read") from error
        if hashlib.sha256(content).hexdigest() != self.manifest.weights:
            raise ModelUnavailable(f"the weights of assistant {self.digest[:12]} are damaged")
        return load(content)


class Assistants:
    """The assistants of one machine, in one folder per status; a change of status is one rename."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, status: Status) -> Path:
        """Return the folder of the assistants of a status; LETHE_ASSISTANT_DIR names that of the promoted ones."""
        return self.root / status

    def list(self, status: Status) -> list[Assistant]:
        """Return the assistants of a status that can be read, by digest."""
        found = []
        for folder in sorted(self.folder(status).glob("[0-9a-f]" * 64)):
            with suppress(ModelUnavailable):
                found.append(Assistant.open(folder.parent, folder.name))
        return found

    def find(self, start: str) -> tuple[Status, Assistant]:
        """Return the one assistant whose digest starts with `start`; ModelUnavailable for none or several."""
        status, folder = self._locate(start)
        return status, Assistant.open(folder.parent, folder.name)

    def add(
        self, manifest: Mapping[str, Any], weights: Mapping[str, torch.Tensor], extras: Mapping[str, str]
    ) -> Assistant:
        """Write a trained assistant atomically; `extras` are further files by name.

        `manifest` lacks only the digest of the weights. Raises ModelUnavailable when it cannot be written.
        """
        from safetensors.torch import save

        content = save({name: tensor.detach().contiguous() for name, tensor in sorted(weights.items())})
        complete = Manifest(**manifest, weights=hashlib.sha256(content).hexdigest())
        folder = self.folder(Status.TRAINED)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # The same digest is the same content.
            if not (folder / complete.digest).exists():
                # Durable: the checkpoints of a completed training are removed.
                with atomic_folder(folder / complete.digest, durable=True) as written:
                    (written / _WEIGHTS).write_bytes(content)
                    (written / _MANIFEST).write_text(complete.text(), encoding="utf-8")
                    for extra, text in extras.items():
                        (written / extra).write_text(text, encoding="utf-8")
        except OSError as error:
            raise ModelUnavailable(f"the assistant cannot be written: {error.strerror}") from error
        return Assistant(complete.digest, complete, folder / complete.digest)

    def promote(self, start: str, model: str | Path) -> Assistant:
        """Let an assistant be served; raises ModelUnavailable when it is damaged or belongs to another model.

        Of two that were trained for one target, the one promoted last is served.
        """
        before, assistant = self.find(start)
        assistant.belongs_to(model)
        assistant.tensors()
        if before is Status.PROMOTED:
            return assistant
        target = self._move(assistant.folder, Status.PROMOTED)
        return Assistant(assistant.digest, assistant.manifest, target)

    def retire(self, start: str) -> str:
        """Take an assistant, damaged or not, out of service and return its digest."""
        before, folder = self._locate(start)
        if before is not Status.RETIRED:
            self._move(folder, Status.RETIRED)
        return folder.name

    def _locate(self, start: str) -> tuple[Status, Path]:
        found = [
            (status, folder)
            for status in Status
            for folder in self.folder(status).glob("[0-9a-f]" * 64)
            if folder.name.startswith(start)
        ]
        if len(found) != 1:
            raise ModelUnavailable(f"{len(found)} assistants have a digest that starts so")
        return found[0]

    def _move(self, folder: Path, status: Status) -> Path:
        target = self.folder(status) / folder.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # The folder's modification time says since when it has this status.
            os.utime(folder)
            folder.rename(target)
        except OSError as error:
            raise ModelUnavailable(f"the assistant cannot be moved: {error.strerror}") from error
        return target
