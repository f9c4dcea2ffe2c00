"""What sweeps have measured of assistants: how likely answers are at each strength, kept with the assistants."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from guard.errors import ModelUnavailable
from guard.files import write_atomically

log = logging.getLogger("lethe")
FOLDER_NAME = "sweeps"
"""The folder among those of the assistants."""


class SweepPoint(BaseModel):
    """One strength of an assistant, and the mean probability that the stored answers have then.

    forget  of what is to be forgotten: the lower, the more is forgotten
    retain  of the rest; None where only the former was measured
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float
    filter_rate: float
    forget: float
    retain: float | None


_POINTS = TypeAdapter(tuple[SweepPoint, ...])


def keep_sweep(root: Path, digest: str, points: Sequence[SweepPoint]) -> None:
    """Keep what was measured of an assistant, in the place of what was before. Raises ModelUnavailable."""
    file = _file(root, digest)
    content = json.dumps([point.model_dump() for point in points])
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, content, durable=False, private=False)
    except OSError as error:
        raise ModelUnavailable(f"the sweep cannot be kept with the assistants: {error.strerror}") from None


def sweep_of(root: Path, digest: str) -> tuple[SweepPoint, ...]:
    """Return what was measured of an assistant, by strength; nothing if it was not, or the file is damaged."""
    try:
        points = _POINTS.validate_json(_file(root, digest).read_bytes())
    except FileNotFoundError:
        return ()
    except (OSError, ValidationError) as error:
        log.warning("the sweep of an assistant cannot be read: %s", type(error).__name__)
        return ()
    return tuple(sorted(points, key=lambda point: (point.filter_rate, point.alpha)))


def _file(root: Path, digest: str) -> Path:
    return root / FOLDER_NAME / f"{digest}.json"
