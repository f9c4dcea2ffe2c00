"""The Grafana dashboard and the alert rules name metrics that a server has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.telemetry.metrics import Metrics

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NAME = re.compile(r"\blethe_[a-z_]+\b")
# Of Prometheus itself.
FOREIGN = {"up"}


def known() -> dict[str, set[str]]:
    """The samples of a server and the labels that each may have."""
    found: dict[str, set[str]] = {}
    suffixes = {
        "counter": ("_total",),
        "gauge": ("",),
        "histogram": ("_bucket", "_sum", "_count"),
    }
    collectors = Metrics().registry._collector_to_names
    for collector in collectors:
        for family in collector.collect():
            labels = set(collector._labelnames) | ({"le"} if family.type == "histogram" else set())
            for suffix in suffixes[family.type]:
                found[family.name + suffix] = labels | {"instance", "job"}
    return found


def dashboard() -> dict[str, Any]:
    return json.loads((DEPLOY / "grafana" / "dashboards" / "lethe.json").read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    text = (DEPLOY / "prometheus" / "rules.yaml").read_text(encoding="utf-8")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    variables = [each["query"]["query"] for each in dashboard()["templating"]["list"] if each["type"] == "query"]
    return [*panels, *variables, *(rule["expr"] for rule in rules())]


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_is_one_of_the_server(expression: str) -> None:
    samples = known()
    names = set(NAME.findall(expression))
    assert names or FOREIGN & set(re.findall(r"\w+", expression))
    assert names <= samples.keys()
    for name, matchers in re.findall(r"\b(lethe_[a-z_]+)\{([^}]*)\}", expression):
        assert set(re.findall(r"(\w+)\s*[=!]~?", matchers)) <= samples[name], name
    labels = set().union(*(samples[name] for name in names), {"instance", "job"})
    for grouped in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {label.strip() for label in grouped.split(",")} <= labels


def test_every_metric_of_the_server_is_on_the_dashboard_or_in_an_alert() -> None:
    shown = set(NAME.findall(" ".join(expressions())))
    families = {re.sub("_(total|bucket|sum|count)$", "", name) for name in known()}
    assert families <= {re.sub("_(total|bucket|sum|count)$", "", name) for name in shown}


def test_panels_neither_overlap_nor_share_an_id() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        covered = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & covered, panel["title"]
        assert at["x"] + at["w"] <= 24
        cells |= covered


def test_every_alert_says_how_bad_it_is_and_what_it_means() -> None:
    documented = (DEPLOY.parent / "docs" / "deploy.md").read_text(encoding="utf-8")
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert f"`{rule['alert']}`" in documented


def test_provisioning_names_what_compose_mounts() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    provider = yaml.safe_load((DEPLOY / "grafana/provisioning/dashboards/lethe.yaml").read_text(encoding="utf-8"))
    folder = provider["providers"][0]["options"]["path"]
    assert f"./grafana/dashboards:{folder}:ro" in compose["grafana"]["volumes"]
    scrape = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text(encoding="utf-8"))
    assert scrape["rule_files"] == ["/etc/prometheus/rules.yaml"]
    assert scrape["scrape_configs"][0]["static_configs"] == [{"targets": ["lethe:8001"]}]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not here: Debian's package prometheus has it")
    return subprocess.run(
        [found, *arguments], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
    )


def test_promtool_takes_the_rules_and_each_fires_when_it_should() -> None:
    for arguments in (("check", "rules", "rules.yaml"), ("test", "rules", "rules_test.yaml")):
        ran = promtool(*arguments)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_promtool_takes_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    panels = [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]
    known_rate = [expr.replace("$__rate_interval", "5m").replace("$instance", ".*") for expr in panels]
    group = {"name": "dashboard", "rules": [{"record": f"panel:{i}", "expr": e} for i, e in enumerate(known_rate)]}
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [group]}), encoding="utf-8")
    ran = promtool("check", "rules", str(file))
    assert ran.returncode == 0, ran.stdout + ran.stderr
