from __future__ import annotations

import ssl
from pathlib import Path

import certifi
import httpx
import pytest

from guard.errors import BadSettings
from serving.http.tls import is_untrusted, trusted


def test_the_authorities_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert trusted() is True
    monkeypatch.setenv("SSL_CERT_FILE", certifi.where())
    assert isinstance(trusted(), ssl.SSLContext)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_certificates_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(BadSettings, match="SSL_CERT_FILE"):
        trusted()


def test_a_certificate_that_is_not_trusted_is_told_from_a_port_where_nobody_listens() -> None:
    assert is_untrusted(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"))
    assert not is_untrusted(httpx.ConnectError("All connection attempts failed"))
