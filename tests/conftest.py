from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of benchmark data and small models that may stand beside a checkout."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("no ../shared folder beside this checkout: benchmark data and models are not here")
    return folder


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
