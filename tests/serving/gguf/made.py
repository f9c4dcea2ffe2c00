"""A tiny GGUF file, made here: a Llama of two layers with random weights and a byte-level tokenizer."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
from gguf.quants import quantize

TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
END, TURN_END, CONTROL = 0, 1, 2  # ids of the special tokens
HIDDEN, LAYERS, INNER = 64, 2, 96


def make_gguf(path: Path, architecture: str = "llama") -> None:
    """Write the file: one quantised (Q8_0) and otherwise plain tensors."""
    # The names by which byte-level tokenizers write the 256 bytes: printable ones as they are.
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in plain}
    letters |= {byte: chr(256 + at) for at, byte in enumerate(b for b in range(256) if b not in letters)}
    tokens = ["<|end|>", "<|turn|>", "<|control|>", *(letters[byte] for byte in range(256)), "th"]
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(HIDDEN // 2)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.NORMAL] * 257)
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(END)
    writer.add_eos_token_id(END)
    writer.add_eot_token_id(TURN_END)
    writer.add_chat_template(TEMPLATE)
    random = np.random.default_rng(7)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, random.normal(0, 0.02, shape).astype(np.float32))

    kind = gguf.GGMLQuantizationType.Q8_0
    embeddings = random.normal(0, 0.02, (len(tokens), HIDDEN)).astype(np.float32)
    writer.add_tensor("token_embd.weight", quantize(embeddings, kind), raw_dtype=kind)
    add("output_norm.weight", HIDDEN)
    for layer in range(LAYERS):
        add(f"blk.{layer}.attn_norm.weight", HIDDEN)
        add(f"blk.{layer}.ffn_norm.weight", HIDDEN)
        add(f"blk.{layer}.attn_q.weight", HIDDEN, HIDDEN)
        add(f"blk.{layer}.attn_k.weight", HIDDEN // 2, HIDDEN)
        add(f"blk.{layer}.attn_v.weight", HIDDEN // 2, HIDDEN)
        add(f"blk.{layer}.attn_output.weight", HIDDEN, HIDDEN)
        add(f"blk.{layer}.ffn_gate.weight", INNER, HIDDEN)
        add(f"blk.{layer}.ffn_up.weight", INNER, HIDDEN)
        add(f"blk.{layer}.ffn_down.weight", HIDDEN, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
