from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving.admin_plane import Plane


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    plane = Plane(tmp_path)
    yield plane
    plane.registry.close()
