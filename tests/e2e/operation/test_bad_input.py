"""Every way to start or ask wrongly ends in a clear error with a stable code, and nothing unguarded is served."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from serving.protocol.refused_fields import CHAT
from tests.e2e.conftest import remote_engine
from tests.e2e.server import Server, free_port, start

pytestmark = pytest.mark.e2e


def refused(folder: Path, *flags: str, **environment: str) -> str:
    """The output of a server that refuses to start."""
    server = start(folder, *flags, wait=False, **environment)
    assert server.process.wait(120) == 1
    return server.tail()


def test_a_model_folder_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "model_unavailable" in refused(tmp_path, "--model", str(tmp_path / "empty"))
    assert "model_unavailable" in refused(tmp_path, "--model", str(tmp_path / "nowhere"))


def test_a_port_in_use(tmp_path: Path, tofu_full: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert "port_in_use" in refused(tmp_path, "--model", str(tofu_full), "--port", port)


def test_no_admin_key_beyond_loopback(tmp_path: Path, tofu_full: Path) -> None:
    environment = {"LETHE_ADMIN_KEY": "", "LETHE_ADMIN_HOST": "0.0.0.0"}
    assert "LETHE_ADMIN_KEY" in refused(tmp_path, "--model", str(tofu_full), **environment)


def test_an_unknown_setting(tmp_path: Path) -> None:
    assert "LETHE_MODLE" in refused(tmp_path, LETHE_MODLE="x")


def test_a_flag_of_the_engine_that_the_policy_depends_on(tmp_path: Path, tofu_full: Path) -> None:
    said = refused(tmp_path, "--model", str(tofu_full), LETHE_ENGINE_ARGS="--logprobs-mode=raw_logprobs")
    assert "bad_settings" in said
    assert "--logprobs-mode" in said


def test_an_unreadable_database(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lethe.db").write_bytes(b"this is not a database" * 100)
    assert "store_unavailable" in refused(tmp_path, "--engine", f"http://127.0.0.1:{free_port()}")


def test_an_engine_without_our_processor_is_not_served(tmp_path: Path, tofu_full: Path) -> None:
    with remote_engine(tofu_full, tmp_path, guarded=False) as url:
        server = start(tmp_path, "--engine", url, wait=False)
        try:
            server.wait_unready("processor is not loaded")
            body = {"model": tofu_full.name, "messages": [{"role": "user", "content": "Hi"}]}
            assert server.http.post(CHAT, json=body).status_code == 503
        finally:
            server.stop()


def test_an_engine_that_is_not_vllm(tmp_path: Path, exact: Server) -> None:
    other = start(tmp_path, "--engine", exact.admin_url, wait=False)
    try:
        other.wait_unready("no engine answers")
    finally:
        other.stop()


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b'{"messages": "\\ud800"}'])
def test_malformed_json(server: Server, raw: bytes) -> None:
    answer = server.http.post(CHAT, content=raw, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed_body")


@pytest.mark.parametrize(
    ("member", "value"),
    [("messages", "x"), ("temperature", "hot"), ("max_tokens", -1), ("n", "many"), ("stop", 3), ("stream", {})],
)
def test_wrong_types_name_the_field(server: Server, member: str, value: object) -> None:
    body = {"model": server.model, "messages": [{"role": "user", "content": "Hi"}], member: value}
    answer = server.http.post(CHAT, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == member


def test_a_body_of_ten_megabytes(server: Server) -> None:
    body = {"model": server.model, "messages": [{"role": "user", "content": "x" * 10_000_000}]}
    answer = server.http.post(CHAT, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    admin = server.admin.post("/admin/v1/targets", json={"name": "x" * 10_000_000})
    assert (admin.status_code, admin.json()["code"]) == (413, "body_too_large")


def test_an_unknown_model_and_a_prompt_beyond_the_context(server: Server) -> None:
    body = {"model": "another", "messages": [{"role": "user", "content": "Hi"}]}
    answer = server.http.post(CHAT, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")
    body = {"model": server.model, "messages": [{"role": "user", "content": "word " * 3_000}]}
    answer = server.http.post(CHAT, json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context_length_exceeded")


def test_targets_that_cannot_be_stored(server: Server) -> None:
    cases = {
        "invalid_target": {"name": "Ada Quill", "phrases": ["x" * 5000]},
        "invalid_request": {"name": 3},
    }
    for body in cases.values():
        answer = server.admin.post("/admin/v1/targets", json=body)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
    assert server.admin.post("/admin/v1/targets", json={"name": ""}).status_code == 422


def test_duplicate_unknown_and_stale(server: Server) -> None:
    target = server.forget({"name": "Ilse Varn", "facts": [{"answer": "Ilse Varn built the Copper Stair."}]})
    path = f"/admin/v1/targets/{target['id']}"
    try:
        again = server.admin.post("/admin/v1/targets", json={"name": "ILSE  VARN"})
        assert (again.status_code, again.json()["code"]) == (409, "duplicate_target")
        stale = server.admin.patch(path, json={"mode": "shadow"}, headers={"if-match": '"7"'})
        assert (stale.status_code, stale.json()["code"]) == (412, "stale_revision")
    finally:
        server.remember(target["id"])
    missing = server.admin.get("/admin/v1/targets/ft_00000000000000000000000000")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown_target")


def test_the_admin_plane_asks_for_its_key(server: Server) -> None:
    answer = server.admin.get("/admin/v1/policy", headers={"authorization": "Bearer wrong"})
    assert answer.status_code == 401


def test_nothing_of_a_request_or_target_is_in_the_log(server: Server) -> None:
    target = server.forget({"name": "Ottoline Fenwright", "phrases": ["Sablemere Ledger"]})
    ask = {"model": server.model, "messages": [{"role": "user", "content": "Who is Ottoline Fenwright?"}]}
    server.http.post(CHAT, json=ask | {"max_tokens": 8})
    server.http.post(CHAT, json=ask | {"model": "Ottoline Fenwright"})
    server.http.post(CHAT, json=ask | {"temperature": "Sablemere Ledger"})
    server.remember(target["id"])
    log = server.log.read_text(errors="replace")
    assert "Fenwright" not in log
    assert "Sablemere" not in log
