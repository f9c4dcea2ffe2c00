from __future__ import annotations

from tests.guard.uld.conftest import model, other_model

__all__ = ["model", "other_model"]
