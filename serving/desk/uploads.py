"""A file of targets that is looked through before it is imported."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file: its text, whether it is CSV, and which member of a target each column stands for."""

    text: str = field(repr=False)
    is_csv: bool
    columns: dict[str, str] = field(default_factory=dict, repr=False)
