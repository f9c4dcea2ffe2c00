"""The sockets that planes listen on, and their addresses as URLs."""

from __future__ import annotations

import errno
import socket

from guard.errors import BadSettings


class PortInUse(BadSettings):
    """A plane's port is taken by another process."""

    code = "port_in_use"


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; PortInUse or BadSettings if the address cannot be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"port {port} is in use") from None
        raise BadSettings(f"cannot listen on port {port}: {error.strerror}") from None
    return listener


def base_url(host: str, port: int) -> str:
    """Return the URL of a plane that listens there; an IPv6 address stands in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
