from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch

from guard.errors import ModelUnavailable
from guard.targets.target import Draft, ForgetTarget, Method, Mode, Scope, State
from guard.uld.assistant import Assistant, Assistants, Status
from guard.uld.promoted import PromotedAssistants, in_force
from tests.guard.uld.test_assistant import described

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Store:
    """Assistants of one model, promoted one after the other."""

    def __init__(self, root: Path, model: Path) -> None:
        self.assistants = Assistants(root)
        self.promoted = PromotedAssistants(self.assistants.folder(Status.PROMOTED))
        self._model = model
        self._made = 0

    def promote(self, *targets: str) -> Assistant:
        self._made += 1
        manifest = described(self._model, targets=targets, seed=self._made)
        added = self.assistants.add(manifest, {"a": torch.ones(1)}, {})
        promoted = self.assistants.promote(added.digest, self._model)
        # Far enough apart for any file system's clock.
        os.utime(promoted.folder, (self._made * 10, self._made * 10))
        return promoted


@pytest.fixture
def store(tmp_path: Path, model: Path) -> Store:
    return Store(tmp_path, model)


def test_without_a_folder_there_is_none(store: Store) -> None:
    assert store.promoted.by_target() == {}


def test_a_target_has_the_assistant_promoted_last_for_it(store: Store) -> None:
    first, second = store.promote("ft_1", "ft_2"), store.promote("ft_2")
    assert store.promoted.by_target() == {"ft_1": first.digest, "ft_2": second.digest}
    store.assistants.retire(second.digest)
    assert store.promoted.by_target() == {"ft_1": first.digest, "ft_2": first.digest}
    store.assistants.retire(first.digest)
    assert store.promoted.by_target() == {}


def test_a_damaged_manifest_is_an_error_unless_it_was_read_before(store: Store) -> None:
    assistant = store.promote("ft_1")
    known = store.promoted.by_target()
    (assistant.folder / "manifest.json").write_text("{}")
    assert store.promoted.by_target() == known
    with pytest.raises(ModelUnavailable):
        PromotedAssistants(assistant.folder.parent).by_target()


def target(**draft: object) -> ForgetTarget:
    return ForgetTarget(
        id="ft_1",
        draft=Draft(name="Ada Quillfeather", **draft),  # type: ignore[arg-type]
        state=State.ACTIVE,
        revision=1,
        forbidden=(),
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize(
    ("draft", "subtracts"),
    [
        ({"methods": (Method.GUARD, Method.ULD)}, True),
        ({"methods": (Method.GUARD,)}, False),
        ({"methods": (Method.ULD,), "mode": Mode.SHADOW}, False),
        ({"methods": (Method.ULD,), "scope": Scope.ALWAYS}, False),
    ],
)
def test_only_an_enforced_contextual_target_that_asks_for_it_is_subtracted(
    draft: dict[str, object], subtracts: bool
) -> None:
    found = in_force({"ft_1": "a" * 64, "ft_gone": "b" * 64}, {"ft_1": target(**draft)})
    assert found == ({"ft_1": "a" * 64} if subtracts else {})
