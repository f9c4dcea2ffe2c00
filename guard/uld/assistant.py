"""An assistant as it lies on disk: trained weights, and a manifest that says what they belong to."""

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
_FORMAT = 1


class Training(StrEnum):
    """What is trained: a low-rank change of every linear layer (LoRA), or all weights of the layers."""

    LOW_RANK = "low-rank"
    WHOLE = "whole"


class Standing(StrEnum):
    """Where an assistant stands: only a promoted one is served."""

    TRAINED = "trained"
    PROMOTED = "promoted"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an assistant was made of and how it is used.

    base, tokenizer, corpus, weights   sha256 of the target model's weights, its tokenizer, the training texts and
                                       the trained weights
    alpha, filter_rate                 what is subtracted where a request names no strength of its own
    targets                            ids of the forget targets whose conversations it is subtracted in
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
    format: int = _FORMAT

    @property
    def digest(self) -> str:
        """The sha256 that names the assistant."""
        return hashlib.sha256(self.text().encode()).hexdigest()

    def text(self) -> str:
        """Return the manifest as JSON, the same for equal manifests."""
        return json.dumps(asdict(self), sort_keys=True, indent=1) + "\n"

    @classmethod
    def read(cls, text: str) -> Manifest:
        """Return the manifest of this JSON; raises ModelUnavailable when it is none."""
        try:
            values: dict[str, Any] = json.loads(text)
            closed = {"training": Training(values["training"]), "targets": tuple(values["targets"])}
            manifest = cls(**values | closed)
        except (ValueError, TypeError, KeyError) as error:
            raise ModelUnavailable("the assistant's manifest is damaged") from error
        if manifest.format != _FORMAT:
            raise ModelUnavailable(f"the assistant has format {manifest.format}, and this release reads {_FORMAT}")
        return manifest


@dataclass(frozen=True, slots=True)
class Assistant:
    """An assistant in a folder; its manifest is what its digest says."""

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
        """Return the trained weights by parameter name; raises ModelUnavailable when they are not as written."""
        from safetensors.torch import load

        try:
            content = (self.folder / _WEIGHTS).read_bytes()
        except OSError as error:
            raise ModelUnavailable(f"the weights of assistant {self.digest[:12]} cannot be read") from error
        if hashlib.sha256(content).hexdigest() != self.manifest.weights:
            raise ModelUnavailable(f"the weights of assistant {self.digest[:12]} are damaged")
        return load(content)


class Assistants:
    """The assistants of one machine, in one folder per standing; a change of standing is one rename."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, standing: Standing) -> Path:
        """Return where the assistants of a standing lie; LETHE_ASSISTANT_DIR names the promoted ones'."""
        return self.root / standing

    def list(self, standing: Standing) -> list[Assistant]:
        """Return the assistants of a standing that can be read, by digest."""
        found = []
        for folder in sorted(self.folder(standing).glob("[0-9a-f]" * 64)):
            with suppress(ModelUnavailable):
                found.append(Assistant.open(folder.parent, folder.name))
        return found

    def find(self, start: str) -> tuple[Standing, Assistant]:
        """Return the one assistant whose digest starts so; raises ModelUnavailable for none or several."""
        standing, folder = self._place(start)
        return standing, Assistant.open(folder.parent, folder.name)

    def add(
        self, manifest: Mapping[str, Any], weights: Mapping[str, torch.Tensor], extras: Mapping[str, str]
    ) -> Assistant:
        """Write a trained assistant, whole or not at all; `extras` are further files by name.

        `manifest` lacks only the digest of the weights. Raises ModelUnavailable when the disk refuses.
        """
        from safetensors.torch import save

        content = save({name: tensor.detach().contiguous() for name, tensor in sorted(weights.items())})
        complete = Manifest(**manifest, weights=hashlib.sha256(content).hexdigest())
        folder = self.folder(Standing.TRAINED)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # The same digest is the same content.
            if not (folder / complete.digest).exists():
                # Durable: the checkpoints of a training that is complete are removed.
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
        if before is Standing.PROMOTED:
            return assistant
        target = self._moved(assistant.folder, Standing.PROMOTED)
        return Assistant(assistant.digest, assistant.manifest, target)

    def retire(self, start: str) -> str:
        """Take an assistant out of service, damaged or not; returns its digest."""
        before, folder = self._place(start)
        if before is not Standing.RETIRED:
            self._moved(folder, Standing.RETIRED)
        return folder.name

    def _place(self, start: str) -> tuple[Standing, Path]:
        found = [
            (standing, folder)
            for standing in Standing
            for folder in self.folder(standing).glob("[0-9a-f]" * 64)
            if folder.name.startswith(start)
        ]
        if len(found) != 1:
            raise ModelUnavailable(f"{len(found)} assistants have a digest that starts so")
        return found[0]

    def _moved(self, folder: Path, standing: Standing) -> Path:
        target = self.folder(standing) / folder.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            # The folder's time says when it came to this standing.
            os.utime(folder)
            folder.rename(target)
        except OSError as error:
            raise ModelUnavailable(f"the assistant cannot be moved: {error.strerror}") from error
        return target
