"""An admin plane that the commands reach without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.client import AdminClient
from tests.serving.admin_plane import Plane, client_of


@pytest.fixture
def plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    monkeypatch.setattr(AdminClient, "from_environment", lambda: client_of(plane))
    yield plane
    plane.registry.close()
