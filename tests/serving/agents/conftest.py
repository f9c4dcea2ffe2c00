from __future__ import annotations

from tests.agents.conftest import audit_of

__all__ = ["audit_of"]
