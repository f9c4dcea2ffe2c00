"""The clean-up of spaces by the reference implementations' decoders, applied to gold and generated text."""

from __future__ import annotations

_REPLACEMENTS = (
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
    """Return the text after transformers' `clean_up_tokenization`, on which ROUGE depends in a few samples."""
    for spaced, plain in _REPLACEMENTS:
        text = text.replace(spaced, plain)
    return text
