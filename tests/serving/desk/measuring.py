"""Stands in for the process that measures: shows progress, and signs a certificate or fails as its target says."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from guard.signing import SigningKey

options = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=False))
target, out = options["--target"], Path(options["--out"])
print("asking: 10%", file=sys.stderr, flush=True)
if target == "ft_waits":
    time.sleep(60)
if target == "ft_fails":
    print("endpoint_failed the endpoint answered 503", file=sys.stderr)
    raise SystemExit(1)
if target == "ft_dies":
    os._exit(9)
for name in ("ADMIN_URL", "LETHE_ADMIN_KEY", "OPENAI_API_KEY"):
    assert os.environ[name] not in sys.argv
payload = {
    "schema": "lethe-certificate/1",
    "statement": f"Forget target {target}, revision 1: suppressed at this endpoint since 2031.",
    "endpoint": {"url": options["--url"], "model": "toy"},
    "target": {"id": target, "revision": 1, "mode": "enforce", "basis": os.environ["OPENAI_API_KEY"]},
    "before": {"measured": "--enforce" in sys.argv, "how": "in shadow"},
    "after": {"all": {"count": 0, "of": 90, "high": "0.0402"}, "by_form": {"direct": {"count": 0, "of": 12}}},
}
out.write_bytes(SigningKey.load(Path(options["--key"])).sign(payload))
out.with_suffix(".html").write_text("<!doctype html><title>Certificate</title>", encoding="utf-8")
