from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from serving.settings import Settings
from serving.telemetry.logs import LogFormat, configure, log_access


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("lethe")
    before = root.handlers[:], root.level, own.level
    yield
    root.handlers[:], root.level, own.level = before


def lines(capsys: pytest.CaptureFixture[str], format: LogFormat) -> list[str]:
    configure(format)
    log_access("req-1", "POST", "/v1/chat/completions", 200, 0.01234)
    logging.getLogger("lethe.engine").info("engine ready")
    logging.getLogger("elsewhere").info("of no use")
    logging.getLogger("elsewhere").warning("a line\nand another, %d \u2028 ü", 5)
    return capsys.readouterr().err.split("\n")


def test_text_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    access, ready, *_ = lines(capsys, Settings().log_format)
    assert access.endswith(" lethe.access INFO req-1 POST /v1/chat/completions 200 12.3 ms")
    assert ready.endswith(" lethe.engine INFO engine ready")


def test_every_line_is_an_object_with_the_fields_of_an_access(capsys: pytest.CaptureFixture[str]) -> None:
    *text, end = lines(capsys, "json")
    access, ready, warning = map(json.loads, text)
    assert end == ""
    assert access.pop("at").endswith("+00:00")
    assert access == {
        "level": "info",
        "logger": "lethe.access",
        "message": "req-1 POST /v1/chat/completions 200 12.3 ms",
        "request_id": "req-1",
        "method": "POST",
        "route": "/v1/chat/completions",
        "status": 200,
        "ms": 12.3,
    }
    assert (ready["message"], warning["level"]) == ("engine ready", "warning")
    assert warning["message"] == "a line\nand another, 5 \u2028 ü"


def test_an_exception_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json")
    try:
        sys.intern(5)  # type: ignore[arg-type]
    except TypeError:
        logging.getLogger("lethe").exception("failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert "TypeError" in json.loads(line)["exception"]


@pytest.mark.parametrize("route", ["/health", "/livez", "/readyz"])
def test_probes_leave_a_line_only_when_something_is_wrong(route: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "lethe.access")
    log_access("req-1", "GET", route, 200, 0.001)
    log_access("req-2", "GET", route, 503, 0.001)
    assert [record.getMessage().split()[0] for record in caplog.records] == ["req-2"]
