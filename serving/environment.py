"""Environment variables that Kubernetes gives every container, and that are no settings."""

from __future__ import annotations

import re
from collections.abc import Mapping

# A Service named like the prefix of our settings ("lethe", "lethe-admin") makes the kubelet set these names.
_ADDRESS = re.compile(r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
_URL = re.compile(r"(tcp|udp|sctp)://", re.I)


def is_service_variable(name: str, value: str) -> bool:
    """Return whether this variable describes a Kubernetes Service, as `LETHE_PORT=tcp://10.0.0.7:8000` does."""
    if _ADDRESS.fullmatch(name):
        return True
    return name.endswith("_PORT") and _URL.match(value) is not None


def service_variables(environment: Mapping[str, str]) -> frozenset[str]:
    """Return the names of the variables in `environment` that describe a Kubernetes Service."""
    return frozenset(name for name, value in environment.items() if is_service_variable(name, value))
