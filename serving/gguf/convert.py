"""Converts a GGUF file to a model folder: safetensors, tokenizer, chat template and generation settings."""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.integrations.gguf.reader import read_gguf_metadata

from guard.errors import ModelUnavailable
from serving.gguf.progress import Say

# Tokens that end a turn or a text, as GGUF names them; a model may have several.
_ENDS = ("tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id")


def convert(source: Path, folder: Path, sampling: Mapping[str, float], say: Say) -> None:
    """Convert the GGUF file `source` into the empty `folder`, in bfloat16 whatever its quantisation.

    `sampling` are settings that requests without them get. ModelUnavailable if its architecture or tokenizer is
    not known, or a package that reads GGUF is missing.
    """
    try:
        # Bars of other packages would be written over the lines of our own.
        with redirect_stderr(io.StringIO()):
            say("reading the tokenizer")
            tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
            say("reading the weights")
            model = AutoModelForCausalLM.from_pretrained(
                source.parent,
                gguf_file=source.name,
                dtype=torch.bfloat16,
                quantization_config=GgufConfig(dequantize=True),
            )
            say("writing the model")
            _save(model, source, folder, sampling)
            tokenizer.save_pretrained(folder)
    except ImportError as error:
        raise ModelUnavailable(
            "GGUF files are read by `gguf` and `accelerate`: install the extra smollm2"
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, NotImplementedError) as error:
        raise ModelUnavailable(f"the GGUF file cannot be converted ({type(error).__name__})") from error


def _save(model: Any, source: Path, folder: Path, sampling: Mapping[str, float]) -> None:
    # transformers keeps that the weights were quantised, and would refuse to save them.
    model.hf_quantizer, model.is_quantized = None, False
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    metadata, _ = read_gguf_metadata(str(source))
    ends = list(dict.fromkeys(int(metadata[name]) for name in _ENDS if name in metadata))
    if ends:
        model.generation_config.eos_token_id = ends if len(ends) > 1 else ends[0]
    if sampling:
        model.generation_config.update(do_sample=True, **sampling)
    model.save_pretrained(folder)
