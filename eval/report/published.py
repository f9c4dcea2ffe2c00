"""Rows that others published, for the scatter of forgetting against utility."""

from __future__ import annotations

from typing import Final

from eval.report.svg import Point

TOFU_FORGET10: Final = (
    Point("Llama-2-7b full", 1 - 0.990, 0.628, published=True),
    Point("Llama-2-7b retain90", 1 - 0.148, 0.613, published=True),
    Point("Llama-3.2-1B full", 1 - 0.880, 0.599, published=True),
    Point("Llama-3.2-1B retain90", 1 - 0.116, 0.591, published=True),
    Point("Llama-3.1-8B full", 1 - 0.991, 0.628, published=True),
    Point("Llama-3.1-8B retain90", 1 - 0.106, 0.646, published=True),
)
"""1 - forget probability and Model Utility, forget10: open-unlearning's evaluation of its own models."""
