"""Promoted assistants: which one is subtracted for which forget target."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from guard.errors import ModelUnavailable
from guard.targets.target import ForgetTarget, Method, Mode, Scope
from guard.uld.assistant import Assistant


class PromotedAssistants:
    """The promoted assistants in a folder, by the forget targets that they were trained for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[str, ...]] = {}

    def by_target(self) -> dict[str, str]:
        """Return by target id the digest of the assistant promoted last for it.

        Raises ModelUnavailable when one cannot be read: it is then unknown for which targets it must be
        subtracted. Each manifest is read once.
        """
        latest: dict[str, str] = {}
        for digest in self._digests():
            with suppress(_Retired):
                latest |= dict.fromkeys(self._targets(digest), digest)
        return latest

    def _digests(self) -> list[str]:
        ages: dict[str, int] = {}
        for folder in self._folder.glob("[0-9a-f]" * 64):
            with suppress(FileNotFoundError):
                ages[folder.name] = folder.stat().st_mtime_ns
        return sorted(ages, key=lambda digest: (ages[digest], digest))

    def _targets(self, digest: str) -> tuple[str, ...]:
        if digest not in self._known:
            try:
                self._known[digest] = Assistant.open(self._folder, digest).manifest.targets
            except ModelUnavailable:
                if (self._folder / digest).exists():
                    raise
                raise _Retired from None
        return self._known[digest]


class _Retired(Exception):
    """It was retired while it was being read."""


def in_force(promoted: Mapping[str, str], targets: Mapping[str, ForgetTarget]) -> dict[str, str]:
    """Return those of `promoted` whose target asks for subtraction."""
    return {
        target_id: digest
        for target_id, digest in promoted.items()
        if target_id in targets and _subtracts(targets[target_id])
    }


def _subtracts(target: ForgetTarget) -> bool:
    draft = target.draft
    return Method.ULD in draft.methods and draft.mode is Mode.ENFORCE and draft.scope is Scope.CONTEXTUAL
