from __future__ import annotations

from tests.agents.conftest import audit, audit_of

__all__ = ["audit", "audit_of"]
