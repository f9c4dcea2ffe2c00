"""Opens a registry's database, by the adapter of its kind."""

from __future__ import annotations

from guard.registry.database import Database, Location, PostgresUrl


def open_database(location: Location) -> Database:
    """Open the database and bring its schema up to date. Raises `StoreUnavailable`."""
    if isinstance(location, PostgresUrl):
        from guard.registry.postgresql import PostgresDatabase

        return PostgresDatabase(location)
    from guard.registry.sqlite import SqliteDatabase

    return SqliteDatabase(location)
