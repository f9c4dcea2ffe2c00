"""Checks of the settings: whether they can be read, and what their keys and addresses let in."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable

from serving.doctor.finding import Finding, Level, gravest, ok
from serving.keys import listed
from serving.settings import Settings

MIN_KEY_CHARS = 16


def sources() -> Finding:
    """Return where the settings of this process come from."""
    file = os.environ.get("LETHE_CONFIG")
    return ok("settings", f"from the environment and {file}" if file else "from the environment")


def keys(settings: Settings) -> Iterable[Finding]:
    """Check that the planes ask for keys where others can reach them, and that these are long."""
    faults = []
    admin = settings.admin_key.get_secret_value()
    if not admin and not _is_loopback(settings.admin_host):
        advice = "set LETHE_ADMIN_KEY: the server does not start without it"
        faults.append(Finding("keys", Level.FAIL, "the admin plane is open and has no key", advice, "settings.md"))
    if admin and len(admin) < MIN_KEY_CHARS:
        advice = "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes a better one"
        said = f"the admin key has less than {MIN_KEY_CHARS} characters"
        faults.append(Finding("keys", Level.WARN, said, advice, "settings.md"))
    clients = listed(settings.api_keys)
    if not clients and not _is_loopback(settings.host):
        advice = "set LETHE_API_KEYS, unless a gateway in front asks for keys"
        said = "the data plane is open beyond this machine and asks for no key"
        faults.append(Finding("keys", Level.WARN, said, advice, "settings.md"))
    if any(len(key.get_secret_value()) < MIN_KEY_CHARS for key in clients):
        said = f"a client key has less than {MIN_KEY_CHARS} characters"
        faults.append(Finding("keys", Level.WARN, said, "give out longer ones", "settings.md"))
    made = "set" if admin else "made at each start"
    return gravest("keys", f"admin key {made}, {len(clients)} client keys", faults)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
