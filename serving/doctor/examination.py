"""All checks in the order in which faults follow from each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from guard.errors import BadSettings
from serving.client import AdminClient, AdminError
from serving.doctor import configuration, machine, server, stored
from serving.doctor.finding import Finding, Level
from serving.settings import Settings, load


def examine(url: str = "", data_dir: Path | None = None) -> Iterator[Finding]:
    """Yield what each check finds; the registry's file is read only where no admin plane answers for it.

    url  base URL of the data plane, without /v1; "" for the one that the settings start on this machine
    """
    try:
        settings = load(data_dir=data_dir)
    except BadSettings as error:
        yield Finding("settings", Level.FAIL, error.message, "docs/settings.md has them all", "settings.md")
        # What does not depend on them.
        settings = Settings.model_construct(data_dir=data_dir or Path(".lethe"))
    else:
        yield configuration.sources()
    yield from configuration.keys(settings)
    yield from machine.versions(settings)
    yield from machine.processors()
    yield from machine.model(settings)
    yield from machine.disk(settings)
    yield from server.data_plane(url or server.address(settings.host, settings.port))
    try:
        with _admin(settings) as admin:
            yield from server.admin_plane(admin)
    except AdminError as error:
        yield server.without_admin_plane(error)
        yield from stored.registry(settings)


def _admin(settings: Settings) -> AdminClient:
    if settings.admin_key and not os.environ.get("LETHE_ADMIN_KEY"):
        return AdminClient(server.address(settings.admin_host, settings.admin_port), settings.admin_key)
    return AdminClient.from_environment()
