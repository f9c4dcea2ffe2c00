"""How the client finds the admin plane: address and key."""

from __future__ import annotations

import pytest

from serving.client import AdminClient, AdminError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADMIN_URL", "ADMIN_PORT", "LETHE_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)


def authorization(monkeypatch: pytest.MonkeyPatch, key: str) -> bytes:
    monkeypatch.setenv("LETHE_ADMIN_KEY", key)
    made = AdminClient.from_environment()
    return dict(made._http.headers.raw)[b"authorization"]


@pytest.mark.parametrize(
    ("key", "sent"), [("k1\n", b"Bearer k1"), (" k1", b"Bearer k1"), ("kü", "Bearer kü".encode())]
)
def test_the_key_is_sent_as_the_server_reads_it(monkeypatch: pytest.MonkeyPatch, key: str, sent: bytes) -> None:
    assert authorization(monkeypatch, key) == sent


@pytest.mark.parametrize(("key", "code"), [("", "missing_key"), ("\n", "missing_key"), ("k\n1", "bad_key")])
def test_a_key_that_cannot_be_sent_is_named(monkeypatch: pytest.MonkeyPatch, key: str, code: str) -> None:
    with pytest.raises(AdminError) as refused:
        authorization(monkeypatch, key)
    assert refused.value.code == code
    assert "LETHE_ADMIN_KEY" in refused.value.detail


@pytest.mark.parametrize(
    ("name", "value", "url"),
    [
        ("ADMIN_PORT", "", "http://127.0.0.1:8001"),
        ("ADMIN_PORT", "tcp://10.0.0.8:8001", "http://127.0.0.1:8001"),
        ("ADMIN_PORT", "9001", "http://127.0.0.1:9001"),
        ("ADMIN_URL", "http://[::1]:9001/", "http://[::1]:9001"),
        ("ADMIN_URL", "https://admin.example/lethe/", "https://admin.example/lethe"),
    ],
)
def test_the_address_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, url: str
) -> None:
    monkeypatch.setenv("LETHE_ADMIN_KEY", "k1")
    monkeypatch.setenv(name, value)
    assert str(AdminClient.from_environment()._http.base_url).rstrip("/") == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ADMIN_PORT", "sesame"),
        ("ADMIN_PORT", "99999"),
        ("ADMIN_URL", "tcp://10.0.0.8:8001"),
        ("ADMIN_URL", "http://h:port"),
        ("ADMIN_URL", "localhost:8001"),
        ("ADMIN_URL", "http://"),
    ],
)
def test_an_address_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("LETHE_ADMIN_KEY", "k1")
    monkeypatch.setenv(name, value)
    with pytest.raises(AdminError) as refused:
        AdminClient.from_environment()
    assert refused.value.code == "bad_settings"
    assert name in refused.value.detail
