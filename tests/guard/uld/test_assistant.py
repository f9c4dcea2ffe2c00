from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from guard.errors import ModelUnavailable
from guard.uld import digests
from guard.uld.assistant import Assistant, Assistants, Status, Training

WEIGHTS = {"a.down": torch.ones(2, 3), "a.up": torch.zeros(3, 2)}


def described(model: Path, **more: Any) -> dict[str, Any]:
    made_of = {"base": digests.of_weights(model), "tokenizer": digests.of_tokenizer(model), "corpus": "c" * 64}
    how = {"layers": 2, "training": Training.LORA, "rank": 2, "epochs": 1, "seed": 0}
    served = {"alpha": 0.75, "filter_rate": 0.01, "forget_loss": 0.1, "retain_loss": 0.2}
    return made_of | how | served | more


@pytest.fixture
def assistants(tmp_path: Path) -> Assistants:
    return Assistants(tmp_path)


@pytest.fixture
def assistant(assistants: Assistants, model: Path) -> Assistant:
    return assistants.add(described(model), WEIGHTS, {"note.txt": "kept"})


def test_an_assistant_is_read_as_it_was_written(assistants: Assistants, assistant: Assistant) -> None:
    (read,) = assistants.list(Status.TRAINED)
    assert read == assistant
    assert all(torch.equal(read.tensors()[name], WEIGHTS[name]) for name in WEIGHTS)
    assert (read.folder / "note.txt").read_text() == "kept"


def test_equal_input_has_an_equal_digest_and_any_difference_another(
    assistants: Assistants, assistant: Assistant, model: Path
) -> None:
    assert assistants.add(described(model), WEIGHTS, {}).digest == assistant.digest
    assert assistants.add(described(model, seed=1), WEIGHTS, {}).digest != assistant.digest
    changed = WEIGHTS | {"a.up": torch.ones(3, 2)}
    assert assistants.add(described(model), changed, {}).digest != assistant.digest


def test_it_belongs_to_its_model_and_to_no_other(assistant: Assistant, model: Path, other_model: Path) -> None:
    assistant.belongs_to(model)
    with pytest.raises(ModelUnavailable, match="another model"):
        assistant.belongs_to(other_model)


def test_a_truncated_file_is_damaged(assistant: Assistant) -> None:
    file = assistant.folder / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelUnavailable, match="damaged"):
        assistant.tensors()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"layers": 1}', '{"training": "other"}'])
def test_a_damaged_manifest_is_refused_and_not_listed(
    assistants: Assistants, assistant: Assistant, text: str
) -> None:
    (assistant.folder / "manifest.json").write_text(text)
    with pytest.raises(ModelUnavailable):
        Assistant.open(assistant.folder.parent, assistant.digest)
    assert assistants.list(Status.TRAINED) == []


def test_a_manifest_that_was_changed_is_refused(assistant: Assistant) -> None:
    file = assistant.folder / "manifest.json"
    file.write_text(file.read_text().replace("0.75", "0.0"))
    with pytest.raises(ModelUnavailable, match="changed"):
        Assistant.open(assistant.folder.parent, assistant.digest)


def test_an_assistant_is_promoted_and_retired_by_the_start_of_its_digest(
    assistants: Assistants, assistant: Assistant, model: Path
) -> None:
    for _ in range(2):
        promoted = assistants.promote(assistant.digest[:8], model)
        assert promoted.folder.parent == assistants.folder(Status.PROMOTED)
        assert assistants.find(assistant.digest) == (Status.PROMOTED, promoted)
        assert assistants.promote(assistant.digest, model) == promoted
        assert assistants.retire(assistant.digest[:8]) == assistant.digest
        assert assistants.find(assistant.digest)[0] is Status.RETIRED


def test_a_damaged_assistant_is_not_promoted(assistants: Assistants, assistant: Assistant, model: Path) -> None:
    (assistant.folder / "weights.safetensors").write_bytes(b"")
    with pytest.raises(ModelUnavailable):
        assistants.promote(assistant.digest, model)
    assert assistants.list(Status.PROMOTED) == []


def test_an_assistant_of_another_model_or_vocabulary_is_not_promoted(
    assistants: Assistants, assistant: Assistant, model: Path, other_model: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable, match="another model"):
        assistants.promote(assistant.digest, other_model)
    shutil.copytree(model, other := tmp_path / "other-vocabulary")
    tokenizer = (other / "tokenizer.json").read_text()
    (other / "tokenizer.json").write_text(tokenizer + " ")
    with pytest.raises(ModelUnavailable, match="another tokenizer"):
        assistants.promote(assistant.digest, other)
    assert assistants.list(Status.PROMOTED) == []


def test_a_damaged_assistant_can_still_be_retired(
    assistants: Assistants, assistant: Assistant, model: Path
) -> None:
    promoted = assistants.promote(assistant.digest, model)
    (promoted.folder / "manifest.json").write_text("")
    assistants.retire(assistant.digest)
    assert not promoted.folder.exists()


def test_a_digest_must_name_one_assistant(assistants: Assistants, assistant: Assistant, model: Path) -> None:
    assistants.add(described(model, seed=1), WEIGHTS, {})
    for start in ("", "nothing"):
        with pytest.raises(ModelUnavailable):
            assistants.find(start)


def test_a_failed_write_leaves_nothing_behind(assistants: Assistants, model: Path, tmp_path: Path) -> None:
    (tmp_path / "trained").write_text("in the way")
    with pytest.raises(ModelUnavailable, match="cannot be written"):
        assistants.add(described(model), WEIGHTS, {})
    assert assistants.list(Status.TRAINED) == []
