from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# Examples are not timed: how long one takes says more about the machine than about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


# They ask for the demo model, which the first of them trains.
DEMO = {"test_agents", "test_certificate", "test_demo_model", "test_uld"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Keep the tests of one module, of one shared server and of the demo model in one process of `-n`."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))


def _group(item: pytest.Function) -> str:
    module = item.module.__name__
    shares_server = (
        hasattr(item, "callspec") and "server" in item.callspec.params and not hasattr(item.module, "server")
    )
    if shares_server:
        return f"server {item.callspec.params['server']}"
    return "demo" if module.rpartition(".")[2] in DEMO else module


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
