"""The server's log on standard error: as text, or as a JSON object a line; and its access lines."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any, Literal

LogFormat = Literal["text", "json"]
TEXT = "%(asctime)s %(name)s %(levelname)s %(message)s"
# Loggers whose lines of level INFO are of use to an operator; of other packages only warnings are shown.
OWN = ("lethe", "guard.policy")
# Asked every few seconds, so that their good answers would bury the rest.
PROBES = frozenset({"/health", "/livez", "/readyz"})

_access = logging.getLogger("lethe.access")


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON: `at`, `level`, `logger`, `message`, and the record's own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(format: LogFormat) -> None:
    """Log to standard error in this format from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if format == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OWN:
        logging.getLogger(name).setLevel(logging.INFO)


def log_access(request_id: str, method: str, route: str, status: int, seconds: float) -> None:
    """Log one answered request, unless it is a probe that found all well."""
    if route in PROBES and status == 200:
        return
    milliseconds = round(1000 * seconds, 1)
    fields = {"request_id": request_id, "method": method, "route": route, "status": status, "ms": milliseconds}
    text = "%s %s %s %d %.1f ms"
    _access.info(text, request_id, method, route, status, milliseconds, extra={"fields": fields})
