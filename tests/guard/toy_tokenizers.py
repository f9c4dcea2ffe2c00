"""Two small tokenizers of the kinds that models use, trained where they stand."""

from __future__ import annotations

import json
import warnings
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

EOS = "<|end|>"
TURN = "<|user|>"

CORPUS = [
    "Basil Romerto met basil and silica, Romero and merton; basilica, ambassador, basics.",
    "BASIL ROMERTO — Ва́sil Rоmеrtо, ba\u200bsil, B-a-s-i-l, ｂａｓｉｌ 𝐛𝐚𝐬𝐢𝐥 Básil Romértô",
    "日本 日本語 東京 本日 ßtraße STRASSE naïve café 👩‍👩‍👧 日\u200b本 🙂🙂",
    "merto merto basil basil ba ba sil sil Ro Ro rom rom er er to to mer mer",
]


@cache
def byte_level() -> Any:
    """Byte-level BPE, as of GPT-2 and Llama 3, with plain added tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        min_frequency=1,
        special_tokens=[EOS, TURN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    return _trained(tokenizer, trainer)


@cache
def sentencepiece() -> Any:
    """BPE over characters with a space mark and byte fallback, as of Llama 2 and Gemma."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        min_frequency=1,
        special_tokens=["<unk>", EOS, TURN],
        show_progress=False,
    )
    return _trained(tokenizer, trainer, [f"<0x{byte:02X}>" for byte in range(256)])


def _trained(tokenizer: Tokenizer, trainer: trainers.Trainer, more: Sequence[str] = ()) -> Any:
    tokenizer.train_from_iterator(CORPUS, trainer)
    content = json.loads(tokenizer.to_str())
    vocabulary = content["model"]["vocab"]
    vocabulary |= {name: len(vocabulary) + k for k, name in enumerate(more)}
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.add_tokens(["<think>", "日é"])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=EOS)


SHOWN = ("[TOOL_CALLS]", "[ARGS]", "[THINK]", "[/THINK]")


@cache
def tekken(folder: str) -> Any:
    """vLLM's own tokenizer for Mistral's models, of an invented tekken.json in this folder.

    Besides the 256 bytes it has pieces of characters, words, and a word that has the name of a special token.
    """
    with warnings.catch_warnings():
        # Of what vLLM imports.
        warnings.simplefilter("ignore")
        from vllm.tokenizers.mistral import MistralTokenizer

    words = [
        "ba",
        "sil",
        "bas",
        "basil",
        "Ro",
        "mer",
        "to",
        "romer",
        "<s>",
        "think",
        "logic",
        "日",
        "本",
        "日本",
        "é",
    ]
    words += [f" {word}" for word in words]
    pieces = [bytes([byte]) for byte in range(256)] + ["日".encode()[:2], "🙂".encode()[:3], b"a\xe6"]
    pieces += [word.encode() for word in words]
    special = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "<pad>", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"]
    special += ["[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]"]
    special += ["[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[CALL_ID]", "[TOOL_CONTENT]", *SHOWN]
    content = {
        "config": {
            "pattern": r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+",
            "num_vocab_tokens": len(pieces),
            "default_vocab_size": len(pieces) + 32,
            "default_num_special_tokens": 32,
            "version": "v13",
        },
        "vocab": [
            {"rank": rank, "token_bytes": b64encode(piece).decode(), "token_str": None}
            for rank, piece in enumerate(pieces)
        ],
        "special_tokens": [
            {"rank": rank, "token_str": name, "is_control": True} for rank, name in enumerate(special)
        ],
    }
    (Path(folder) / "tekken.json").write_text(json.dumps(content))
    return MistralTokenizer.from_pretrained(folder)
