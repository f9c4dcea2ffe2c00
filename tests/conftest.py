from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Read when torch is imported, here and in every process that a test starts: the models are so small that a second
# thread mostly waits for the first, and spins on the core that another process needs.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Examples are not timed: how long one takes says more about the machine than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


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
