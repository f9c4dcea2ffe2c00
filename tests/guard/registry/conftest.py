from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from guard.registry.database import Location, PostgresUrl, location_of
from guard.registry.registry import Registry
from tests.postgresql import Cluster, cluster


@pytest.fixture(scope="package")
def postgres() -> Iterator[Cluster]:
    with cluster() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'registry.db'}"
    started: Cluster = request.getfixturevalue("postgres")
    return started.schema().value


@pytest.fixture
def location(url: str) -> Location:
    return location_of(url)


@pytest.fixture
def registry(location: Location) -> Iterator[Registry]:
    registry = Registry(location)
    yield registry
    registry.close()


@pytest.fixture
def alter(location: Location) -> Callable[..., None]:
    """Executes statements behind the registry's back, as a person with access to the database can."""

    def altered(*statements: str) -> None:
        if isinstance(location, PostgresUrl):
            with psycopg.connect(location.value) as connection:
                for table in ("events", "key_events"):
                    connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
                for statement in statements:
                    connection.execute(statement.encode())
        else:
            with closing(sqlite3.connect(location)) as other, other:
                for table in ("events", "key_events"):
                    other.execute(f"DROP TRIGGER {table}_stay_on_update")
                    other.execute(f"DROP TRIGGER {table}_stay_on_delete")
                for statement in statements:
                    other.execute(statement)

    return altered
