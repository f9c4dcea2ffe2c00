from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from guard.registry.keys.key import Role
from serving.access.access import Access
from serving.access.delegates import Delegates
from serving.access.rights import OWNER, RIGHTS, Caller
from serving.certificates.issuing import MAX_ISSUES, CertificateIssuer, Issue, IssueState, Planes
from serving.certificates.opening import open_issuer
from serving.certificates.stored import CertificateFolder, UnknownCertificate
from serving.settings import Settings
from tests.serving.desk.conftest import MEASURING

pytestmark = pytest.mark.anyio
EDITOR = Caller("ak_1", RIGHTS[Role.EDITOR])


@pytest.fixture
def issuer(tmp_path: Path) -> CertificateIssuer:
    planes = Planes(data_url="http://data", admin_url="http://admin", client_key=SecretStr("own-key"))
    command = (sys.executable, str(MEASURING))
    folder = CertificateFolder(tmp_path / "certificates")
    return CertificateIssuer(folder, tmp_path / "certificate.key", planes, Delegates(), command)


async def ended(issue: Issue) -> Issue:
    async with asyncio.timeout(20):
        while issue.open:
            await asyncio.sleep(0.01)
    return issue


async def test_a_certificate_is_measured_signed_and_kept(issuer: CertificateIssuer) -> None:
    issue = await ended(issuer.start("ft_1", OWNER))
    assert (issue.state, issue.share, issue.code) == (IssueState.DONE, 1.0, "")
    (kept,) = issuer.stored.list()
    assert (kept.name, kept.target_id) == (issue.name, "ft_1")
    certificate = json.loads(issuer.stored.read(kept.name))["certificate"]
    # The process asks the data plane with the key that this server asks itself by.
    assert (certificate["endpoint"]["url"], certificate["target"]["basis"]) == ("http://data", "own-key")
    assert issuer.stored.read(kept.name, "html").startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    ("target", "code", "detail"),
    [
        ("ft_fails", "endpoint_failed", "the endpoint answered 503"),
        ("ft_dies", "internal", "the process that measured ended with status 9"),
    ],
)
async def test_why_there_is_no_certificate_is_said(
    issuer: CertificateIssuer, target: str, code: str, detail: str
) -> None:
    issue = await ended(issuer.start(target, OWNER))
    assert (issue.state, issue.detail) == (IssueState.FAILED, detail)
    assert issue.code == code or code == "internal"
    assert issuer.stored.list() == []


async def test_one_is_measured_at_a_time_and_each_target_once(issuer: CertificateIssuer) -> None:
    first = issuer.start("ft_waits", OWNER)
    second = issuer.start("ft_1", OWNER)
    async with asyncio.timeout(20):
        while not first.share:
            await asyncio.sleep(0.01)
    assert (first.state, first.step, second.state) == (IssueState.MEASURING, "asking", IssueState.QUEUED)
    assert issuer.start("ft_waits", OWNER) is first
    assert issuer.issues() == [second, first]
    issuer.cancel("ft_waits")
    assert first.state is IssueState.CANCELLED
    assert (await ended(second)).state is IssueState.DONE
    await issuer.close()


async def test_a_server_that_stops_stops_the_process(issuer: CertificateIssuer) -> None:
    issue = issuer.start("ft_waits", OWNER)
    async with asyncio.timeout(20):
        while not issue.share:
            await asyncio.sleep(0.01)
    await issuer.close()
    assert issuer.stored.list() == []


async def test_issues_that_have_ended_are_not_remembered_without_end(
    issuer: CertificateIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(issue: Issue, caller: Caller) -> None:
        issue.state = IssueState.DONE

    monkeypatch.setattr(issuer, "_measure", nothing)
    for number in range(MAX_ISSUES + 5):
        await ended(issuer.start(f"ft_{number}", OWNER))
    assert [len(issuer.issues()), issuer.issues()[0].target_id] == [MAX_ISSUES, f"ft_{MAX_ISSUES + 4}"]


async def test_a_process_has_the_rights_of_who_started_it_while_it_runs() -> None:
    delegates = Delegates()
    access = Access(SecretStr("key"), delegates=delegates)
    with delegates.acting(EDITOR) as secret:
        assert await access.holder(secret.get_secret_value()) == EDITOR
        assert await access.holder("other") is None
        assert secret.get_secret_value() not in repr(delegates)
    assert await access.holder(secret.get_secret_value()) is None
    past = Caller("oidc:a", EDITOR.rights, until=datetime.now(UTC) - timedelta(seconds=1))
    with delegates.acting(past) as secret:
        assert await access.holder(secret.get_secret_value()) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "ft_1",
        "../certificate",
        "ft_1-20310101T000000Z/../x",
        "ft_1-20319901T000000Z",
        "ft_1-20310101T000000Z\n",
    ],
)
def test_a_name_leads_to_no_other_file(tmp_path: Path, name: str) -> None:
    folder = CertificateFolder(tmp_path / "certificates")
    file = folder.new("ft_1", datetime(2031, 1, 1, tzinfo=UTC))
    file.write_text("{}")
    (tmp_path / "certificate.json").write_text("{}")
    assert folder.read(file.stem) == b"{}"
    for kind in ("json", "html", "key", "../x"):
        with pytest.raises(UnknownCertificate):
            folder.read(name, kind)


def test_certificates_are_listed_newest_first_and_other_files_left_out(tmp_path: Path) -> None:
    folder = CertificateFolder(tmp_path / "certificates")
    assert folder.list() == []
    for day in (2, 3, 1):
        folder.new(f"ft_{day}", datetime(2031, 1, day, tzinfo=UTC)).write_text("{}")
    (tmp_path / "certificates" / "notes.json").write_text("{}")
    assert [one.target_id for one in folder.list()] == ["ft_3", "ft_2", "ft_1"]


@pytest.mark.parametrize(
    ("host", "reached"),
    [("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://[::1]:8000"), ("::1", "http://[::1]:8000")],
)
def test_a_server_that_listens_everywhere_is_asked_on_loopback(tmp_path: Path, host: str, reached: str) -> None:
    issuer = open_issuer(Settings(host=host, data_dir=tmp_path), SecretStr("own"), Delegates())
    assert issuer._planes.data_url == reached
