"""Is the server of these settings ready? `python -m serving.probe`, for a container's health check."""

from __future__ import annotations

import http.client
import sys

from serving.settings import Settings, load

TIMEOUT_S = 4.0
# Addresses that stand for all of the machine's, and where one of them is reached.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def is_ready(settings: Settings) -> bool:
    """Return whether the data plane, asked where the settings say that it listens, answers that it is ready."""
    connection = http.client.HTTPConnection(
        _ANY.get(settings.host, settings.host), settings.port, timeout=TIMEOUT_S
    )
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(0 if is_ready(load()) else 1)
