"""What can go wrong is told in one line with a stable code and status 1, and nothing is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from eval.certificate.signing import SigningKey
from eval.cli.app import app

NOWHERE = "http://127.0.0.1:9"


def said(*arguments: str, **environment: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), env=environment)
    return result.exit_code, result.output + result.stderr


@pytest.fixture
def muse(tmp_path: Path) -> Path:
    folder = tmp_path / "muse"
    (folder / "knowmem").mkdir(parents=True)
    (folder / "raw").mkdir()
    (folder / "raw" / "forget.json").write_text('["an article"]')
    for name in ("retain_qa", "retain_qa_icl"):
        (folder / "knowmem" / f"{name}.json").write_text(json.dumps([{"question": "What?", "answer": "A lamp"}]))
    return folder


@pytest.mark.parametrize("command", [("sustainability",), ("scalability",), ("wpu", "--model", "m")])
def test_a_wrong_data_folder_is_named(command: tuple[str, ...], tmp_path: Path) -> None:
    status, text = said(*command, "--data", str(tmp_path / "none"), "--out", str(tmp_path / "out"))
    assert (status, "bad_benchmark" in text, str(tmp_path / "none") in text) == (1, True, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("benchmark", ["tofu", "muse"])
def test_reference_models_need_their_data(benchmark: str, tmp_path: Path) -> None:
    status, text = said("train-reference", benchmark, "--data", str(tmp_path), "--out", str(tmp_path / "out"))
    assert (status, "bad_benchmark" in text) == (1, True)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--lora-rank", "4"), "adapters are for a base model"),
        (("--authors", "2", "--limit", "3"), "authors and limit are two ways"),
    ],
)
def test_options_of_a_training_that_do_not_go_together_are_refused(
    options: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    for name in ("forget10", "retain90", "real_authors", "world_facts"):
        (tmp_path / f"{name}.json").write_text('{"question": "What?", "answer": "A lamp"}')
    folders = ("--data", str(tmp_path), "--out", str(tmp_path / "out"))
    assert said("train-reference", "tofu", *folders, *options)[1].startswith(f"bad_run {reason}")


def test_an_unknown_part_is_refused(muse: Path, tmp_path: Path) -> None:
    arguments = ("--data", str(muse), "--out", str(tmp_path / "out"), "--parts", "knowmem,poems")
    assert said("train-reference", "muse", *arguments)[1].startswith("bad_run the parts are")


def test_a_bad_row_is_named_with_its_line(muse: Path, tmp_path: Path) -> None:
    rows = '{"question": "What?", "answer": "A lamp"}\n{"question": "Who?"}\n'
    (muse / "knowmem" / "retain_qa.json").write_text(rows)
    status, text = said("sustainability", "--data", str(muse), "--out", str(tmp_path / "out"), "--targets", "1")
    assert (status, "retain_qa.json:2" in text) == (1, True)


def test_an_endpoint_that_is_not_there_is_told(muse: Path, tmp_path: Path) -> None:
    arguments = ("--data", str(muse), "--out", str(tmp_path / "out"), "--targets", "1", "--url", NOWHERE)
    status, text = said("sustainability", *arguments, LETHE_ADMIN_KEY="k")
    assert (status, "endpoint_failed the endpoint cannot be reached" in text) == (1, True)


def test_certify_says_what_is_missing(tmp_path: Path) -> None:
    data = {"LETHE_DATA_DIR": str(tmp_path)}
    arguments = ("certify", "--target", "ft_1", "--url", NOWHERE, "--out", str(tmp_path / "c.json"))
    assert "set LETHE_ADMIN_KEY" in said(*arguments, LETHE_ADMIN_KEY="", **data)[1]
    status, text = said(*arguments, LETHE_ADMIN_KEY="k", ADMIN_URL=NOWHERE, **data)
    assert (status, "cannot be reached" in text) == (1, True)
    assert "choose one" in said(*arguments, "--enforce", "--baseline-url", NOWHERE, **data)[1]
    assert not (tmp_path / "c.json").exists()


def test_verify_tells_by_its_status(tmp_path: Path) -> None:
    key = SigningKey.load_or_make(tmp_path / "key")
    file = tmp_path / "c.json"
    signed = key.sign({"statement": "Suppressed."})
    file.write_bytes(signed)
    assert said("verify", str(file))[0] == said("verify", str(file), "--public-key", key.public)[0] == 0
    assert said("verify", str(file), "--public-key", "ab" * 32)[0] == 4
    file.write_bytes(signed.replace(b"Suppressed", b"Forgotten!"))
    assert said("verify", str(file))[0] == 3
    file.write_bytes(b"{}")
    assert said("verify", str(file))[0] == 1
    assert "bad_certificate" in said("verify", str(tmp_path / "none"))[1]
