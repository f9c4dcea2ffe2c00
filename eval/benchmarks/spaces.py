"""The clean-up of spaces that the reference implementations' decoders did to gold and generated text alike."""

from __future__ import annotations

_REPLACED = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


def clean_up(text: str) -> str:
    """transformers' `clean_up_tokenization`: one ROUGE word in some hundreds of samples depends on it."""
    for spaced, plain in _REPLACED:
        text = text.replace(spaced, plain)
    return text
