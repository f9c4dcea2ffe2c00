from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from guard.errors import ModelUnavailable
from serving.gguf import cache
from serving.gguf.cache import ensure_converted
from tests.serving.gguf.made import CONTROL, END, TEMPLATE, TURN_END, make_gguf


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "quill-7b.Q8_0.gguf"
    make_gguf(path)
    return path


@pytest.fixture(scope="module")
def converted(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_converted(source, tmp_path_factory.mktemp("models"), {"temperature": 0.5})


def test_the_converted_model_is_loaded_without_gguf_and_is_not_quantised(converted: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(converted, dtype="auto")
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
    assert "quantization_config" not in json.loads((converted / "config.json").read_text())
    assert torch.isfinite(model(torch.tensor([[5, 6, 7]])).logits).all()


def test_the_converted_tokenizer_has_the_special_tokens_and_the_chat_template(converted: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(converted)
    text = "then 1984 äöü 東京"
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert {END, TURN_END, CONTROL} <= set(tokenizer.added_tokens_decoder)
    assert tokenizer.decode([CONTROL], skip_special_tokens=True) == ""
    assert tokenizer.chat_template == TEMPLATE


def test_every_token_that_ends_a_turn_ends_an_answer(converted: Path) -> None:
    settings = json.loads((converted / "generation_config.json").read_text())
    assert settings["eos_token_id"] == [END, TURN_END]
    assert (settings["temperature"], settings["do_sample"]) == (0.5, True)


def test_the_folder_names_the_digest_of_its_source(source: Path, converted: Path) -> None:
    told = json.loads((converted / "source.json").read_text())
    assert told == {"file": source.name, "sha256": hashlib.sha256(source.read_bytes()).hexdigest()}


def test_the_same_bytes_are_converted_once_wherever_they_are(
    source: Path, converted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy.gguf"
    copy.write_bytes(source.read_bytes())
    monkeypatch.setattr(cache, "_prepare", lambda *arguments: pytest.fail("it was converted a second time"))
    assert ensure_converted(copy, converted.parent, {"temperature": 0.5}) == converted


def test_an_architecture_that_nobody_knows_is_an_error_that_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "unknown.gguf"
    make_gguf(path, architecture="quill")
    with pytest.raises(ModelUnavailable, match="cannot be converted"):
        ensure_converted(path, tmp_path / "models")
    assert [entry.name for entry in (tmp_path / "models").iterdir()] == [".lock"]


def test_a_damaged_file_is_an_error_that_leaves_nothing(source: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(source.read_bytes()[:20_000])
    with pytest.raises(ModelUnavailable, match="cannot be converted"):
        ensure_converted(path, tmp_path / "models")
    assert [entry.name for entry in (tmp_path / "models").iterdir()] == [".lock"]
