"""The certificates that are kept in the data folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from guard.errors import LetheError

_NAME = re.compile(r"(ft_[0-9A-Za-z]{1,40})-(\d{8}T\d{6}Z)", re.ASCII)
_MOMENT = "%Y%m%dT%H%M%SZ"


class UnknownCertificate(LetheError):
    """No certificate of this name is kept here."""

    code = "unknown_certificate"
    status = 404


@dataclass(frozen=True, slots=True)
class StoredCertificate:
    """A certificate by its name, and of which target it is and since when it is kept."""

    name: str
    target_id: str
    at: datetime


class CertificateFolder:
    """A folder of certificates: of each its signed JSON and the HTML page that shows it. Its methods block.

    Nothing in them tells a text of a target, so that they stay when the target has ended.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new(self, target_id: str, at: datetime) -> Path:
        """Return where the JSON of a certificate that is issued at `at` belongs; make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{target_id}-{at.astimezone(UTC).strftime(_MOMENT)}.json"

    def list(self) -> list[StoredCertificate]:
        """Return all certificates, the newest first."""
        found = (_stored(file.stem) for file in self._folder.glob("*.json"))
        return sorted(filter(None, found), key=lambda one: (one.at, one.name), reverse=True)

    def read(self, name: str, kind: str = "json") -> bytes:
        """Return the file of a certificate: its `json`, or its page as `html`. Raises UnknownCertificate."""
        # The name comes from an address: it leads to no other folder.
        if not _stored(name) or kind not in ("json", "html"):
            raise UnknownCertificate("no certificate has this name")
        try:
            return (self._folder / f"{name}.{kind}").read_bytes()
        except OSError:
            raise UnknownCertificate("no certificate has this name") from None


def _stored(name: str) -> StoredCertificate | None:
    found = _NAME.fullmatch(name)
    if not found:
        return None
    try:
        return StoredCertificate(name, found[1], datetime.strptime(found[2], _MOMENT).replace(tzinfo=UTC))
    except ValueError:
        return None
