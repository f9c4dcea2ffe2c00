"""Opens what issues certificates, as the settings say."""

from __future__ import annotations

from pydantic import SecretStr

from guard.signing import KEY_NAME
from serving.access.delegates import Delegates
from serving.certificates.issuing import CertificateIssuer, Planes
from serving.certificates.stored import CertificateFolder
from serving.http.listening import base_url
from serving.settings import Settings

FOLDER_NAME = "certificates"
"""The folder in the data folder."""
# An address to listen on that none can connect to everywhere.
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def open_issuer(settings: Settings, client_key: SecretStr, delegates: Delegates) -> CertificateIssuer:
    """Return the issuer of this server. `client_key` is one that its data plane accepts for all targets."""
    planes = Planes(
        data_url=_reached(settings.host, settings.port),
        admin_url=_reached(settings.admin_host, settings.admin_port),
        client_key=client_key,
    )
    folder = CertificateFolder(settings.data_dir / FOLDER_NAME)
    return CertificateIssuer(folder, settings.data_dir / KEY_NAME, planes, delegates)


def _reached(host: str, port: int) -> str:
    return base_url(_WILDCARDS.get(host, host), port)
