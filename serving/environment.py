"""Where settings come from: the environment, without what Kubernetes puts there, and a TOML file."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from guard.errors import BadSettings

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


def read_file(path: str | None) -> dict[str, Any]:
    """Return what the TOML file at `path` sets, nothing without a path; BadSettings if it cannot be read."""
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(f"LETHE_CONFIG cannot be read: {type(error).__name__}") from None


def refuse_unknown(known: Collection[str], prefix: str) -> None:
    """Raise BadSettings for variables of the environment that begin with `prefix` and are not known."""
    named = {key for key in os.environ if key.startswith(prefix)}
    unknown = sorted(named - set(known) - service_variables(os.environ))
    if unknown:
        raise BadSettings(f"unknown settings in the environment: {', '.join(unknown)}")
