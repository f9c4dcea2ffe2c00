"""The Helm chart, rendered by Helm itself, and held to Kubernetes' own schemas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.settings import Settings

helm = pytest.importorskip("helm_python", reason="Helm is not installed: make deploy-check installs it")

CHART = Path(__file__).resolve().parents[2] / "deploy" / "chart"
SECRET = {"secret": {"name": "lethe-keys"}}
KINDS = ["embedded", "values-vllm.yaml", "values-production-stack.yaml"]
EVERYTHING = {
    "secret": {"name": "lethe-keys", "has": ["api-keys", "engine-key", "guardrail-key"]},
    "image": {"digest": "sha256:" + "0" * 64},
    "autoscaling": {"enabled": True},
    "serviceMonitor": {"enabled": True, "labels": {"release": "monitoring"}},
    "settings": {"max_staleness": 10, "overlap_detection": False, "decline_style": "natural"},
    "env": [{"name": "HF_HUB_OFFLINE", "value": "1"}],
    "networkPolicy": {
        "clients": [{"namespaceSelector": {"matchLabels": {"team": "apps"}}}],
        "admins": [{"podSelector": {"matchLabels": {"app": "prometheus"}}}],
        "egress": [{"ports": [{"port": 443, "protocol": "TCP"}]}],
    },
    "data": {"persistent": False},
}


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = {**one, **other}
    for key in one.keys() & other.keys():
        if isinstance(one[key], dict) and isinstance(other[key], dict):
            both[key] = merged(one[key], other[key])
    return both


def values_of(kind: str) -> dict[str, Any]:
    own = {} if kind == "embedded" else yaml.safe_load((CHART / kind).read_text(encoding="utf-8"))
    return merged(own, SECRET | {"model": "served/model"})


def rendered(values: dict[str, Any]) -> list[dict[str, Any]]:
    with helm.Chart.load(str(CHART)) as chart:
        chart.validate_schema(values)
        texts = chart.render(values, name="lethe", namespace="serving")
    texts.pop("lethe/templates/NOTES.txt", None)
    return [part for text in texts.values() for part in yaml.safe_load_all(text) if part]


def one(objects: list[dict[str, Any]], kind: str, name: str = "lethe") -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def pods(objects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in objects:
        if each["kind"] in ("StatefulSet", "Deployment"):
            yield each["spec"]["template"]["spec"]


@pytest.fixture(scope="module", params=[*KINDS, "everything"])
def objects(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return rendered(
        merged(values_of("embedded"), EVERYTHING) if request.param == "everything" else values_of(request.param)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_helm_lint_finds_no_fault(kind: str) -> None:
    found = helm.lint(str(CHART), values_of(kind), strict=True, quiet=True)
    # Severity 1 is advice: the chart has no icon.
    assert [message for message in found["messages"] if message["severity"] > 1] == []
    assert found["errors"] == []


@pytest.mark.parametrize("version", ["1.27", "1.32", "1.37"])
def test_every_object_is_what_kubernetes_takes(objects: list[dict[str, Any]], version: str) -> None:
    kubernetes = pytest.importorskip(
        "kubernetes_validate", reason="make deploy-check installs Kubernetes' schemas"
    )
    for each in objects:
        # A kind of the Prometheus operator, which the schemas do not have.
        if each["kind"] != "ServiceMonitor":
            kubernetes.validate(each, version, strict=True)


def test_no_container_may_do_more_than_run(objects: list[dict[str, Any]]) -> None:
    for pod in pods(objects):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_what_is_written_to_is_a_volume(objects: list[dict[str, Any]]) -> None:
    for pod in pods(objects):
        for container in pod["containers"]:
            mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert {"/tmp", "/home/lethe", "/dev/shm"} <= mounted
    assert "/data" in {
        mount["mountPath"]
        for mount in one(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    }


def test_every_container_is_probed(objects: list[dict[str, Any]]) -> None:
    for pod in pods(objects):
        for container in pod["containers"]:
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
    (lethe,) = one(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    # A server whose engine is away is not restarted for it, it only gets no requests.
    assert lethe["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert lethe["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_no_secret_is_written_anywhere(objects: list[dict[str, Any]]) -> None:
    assert not [each for each in objects if each["kind"] == "Secret"]
    secrets = {
        f"LETHE_{name.upper()}"
        for name in Settings.model_fields
        if name.endswith(("_key", "_token")) or name == "database"
    }
    for pod in pods(objects):
        for container in pod["containers"]:
            for variable in container["env"]:
                if variable["name"] in secrets | {"LETHE_API_KEYS", "VLLM_API_KEY"}:
                    assert variable["valueFrom"]["secretKeyRef"]["name"] == "lethe-keys"


def test_every_variable_is_a_setting(objects: list[dict[str, Any]]) -> None:
    (lethe,) = one(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    names = {variable["name"] for variable in lethe["env"] if variable["name"].startswith("LETHE_")}
    assert names <= {f"LETHE_{name.upper()}" for name in Settings.model_fields}
    assert len(names) == len([v for v in lethe["env"] if v["name"].startswith("LETHE_")])


def test_a_disruption_leaves_servers(objects: list[dict[str, Any]]) -> None:
    budget = one(objects, "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"] == one(objects, "StatefulSet")["spec"]["selector"]["matchLabels"]


def test_selectors_choose_the_pods_that_they_mean(objects: list[dict[str, Any]]) -> None:
    labels = one(objects, "StatefulSet")["spec"]["template"]["metadata"]["labels"].items()
    for name in ("lethe", "lethe-admin", "lethe-replicas"):
        assert one(objects, "Service", name)["spec"]["selector"].items() <= labels
    policy = one(objects, "NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"].items() <= labels


def test_the_admin_plane_is_closed_unless_somebody_is_named() -> None:
    closed = one(rendered(values_of("embedded")), "NetworkPolicy")["spec"]
    assert [port["port"] for rule in closed["ingress"] for port in rule["ports"]] == ["data"]
    admins = [{"podSelector": {"matchLabels": {"app": "prometheus"}}}]
    opened = one(rendered(merged(values_of("embedded"), {"networkPolicy": {"admins": admins}})), "NetworkPolicy")[
        "spec"
    ]
    assert {"ports": [{"port": "admin", "protocol": "TCP"}], "from": admins} in opened["ingress"]
    assert closed["policyTypes"] == ["Ingress", "Egress"]


def test_nobody_but_lethe_reaches_the_engine_that_the_chart_starts() -> None:
    objects = rendered(values_of("values-vllm.yaml"))
    policy = one(objects, "NetworkPolicy", "lethe-engine")["spec"]
    engine = one(objects, "Deployment", "lethe-engine")["spec"]["template"]
    assert policy["podSelector"]["matchLabels"].items() <= engine["metadata"]["labels"].items()
    (rule,) = policy["ingress"]
    (peer,) = rule["from"]
    lethe = one(objects, "StatefulSet")["spec"]["template"]["metadata"]["labels"]
    assert peer["podSelector"]["matchLabels"].items() <= lethe.items()


def test_workers_fetch_policies_from_every_replica() -> None:
    objects = rendered(merged(values_of("values-vllm.yaml"), {"replicas": 3}))
    (lethe,) = one(objects, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    assert {"name": "LETHE_POLICY_PORT", "value": "8002"} in lethe["env"]
    assert {"name": "policy", "port": 8002, "targetPort": "policy"} in one(objects, "Service", "lethe-replicas")[
        "spec"
    ]["ports"]
    (vllm,) = one(objects, "Deployment", "lethe-engine")["spec"]["template"]["spec"]["containers"]
    urls = ",".join(f"http://lethe-{number}.lethe-replicas:8002" for number in range(3))
    assert {"name": "LETHE_POLICY_URL", "value": urls} in vllm["env"]
    # In memory, as the files spell out what is forbidden.
    assert {"name": "LETHE_POLICY_DIR", "value": "/dev/shm/lethe"} in vllm["env"]
    token = {"secretKeyRef": {"name": "lethe-keys", "key": "policy-token"}}
    for container in (lethe, vllm):
        assert {"name": "LETHE_POLICY_TOKEN", "valueFrom": token} in container["env"]
    assert "--logits-processors=guard.vllm_v2:RestrictionProcessor" in vllm["args"]
    assert "--logprobs-mode=processed_logprobs" in vllm["args"]


def test_replicas_are_scaled_by_requests_in_flight() -> None:
    objects = rendered(merged(values_of("embedded"), {"autoscaling": {"enabled": True, "inFlight": 12}}))
    scaler = one(objects, "HorizontalPodAutoscaler")["spec"]
    (metric,) = scaler["metrics"]
    assert metric["pods"]["metric"]["name"] == "lethe_requests_in_flight"
    assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "12"}
    # A replica count would be set back by every upgrade.
    assert "replicas" not in one(objects, "StatefulSet")["spec"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"secret": {"name": ""}}, "secret.name"),
        (
            {"engine": {"kind": "remote", "url": "http://vllm"}, "autoscaling": {"enabled": True}},
            "every data plane",
        ),
        ({"engine": {"kind": "deployment"}, "autoscaling": {"enabled": True}}, "every data plane"),
        ({"engine": {"kind": "deployment"}, "replicas": 1, "model": ""}, "which model"),
        ({"engine": {"kind": "remote"}, "replicas": 1}, "engine.url"),
        ({"settings": {"admin_key": "word"}}, "is a secret"),
        ({"settings": {"database": "postgresql://a:b@c/d"}}, "is a secret"),
        ({"settings": {"port": 9000}}, "the chart's own"),
    ],
)
def test_values_that_would_not_serve_are_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(helm.HelmError, match=reason):
        rendered(merged(values_of("embedded"), values))


@pytest.mark.parametrize(
    "values",
    [
        {"replica": 3},
        {"engine": {"kind": "sidecar"}},
        {"image": {"digest": "latest"}},
        {"secret": {"name": "keys", "adminKey": "word"}},
        {"settings": {"watch": ["answer"]}},
    ],
)
def test_values_that_the_chart_does_not_know_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(helm.HelmError):
        rendered(merged(values_of("embedded"), values))


def test_engines_of_production_stack_load_the_processors_and_find_every_replica() -> None:
    stack = yaml.safe_load((CHART.parent / "production-stack" / "values.yaml").read_text(encoding="utf-8"))
    (model,) = stack["servingEngineSpec"]["modelSpec"]
    assert "--logits-processors=guard.vllm_v2:RestrictionProcessor" in model["vllmConfig"]["extraArgs"]
    assert {"name": "LETHE_POLICY_DIR", "value": model["extraVolumeMounts"][0]["mountPath"]} in model["env"]
    (url,) = [variable["value"] for variable in model["env"] if variable["name"] == "LETHE_POLICY_URL"]
    objects = rendered(values_of("values-production-stack.yaml"))
    number = one(objects, "StatefulSet")["spec"]["replicas"]
    assert url.split(",") == [f"http://lethe-{each}.lethe-replicas:8002" for each in range(number)]
    # Engines may fetch policies, and nobody else; the router may not.
    rules = one(objects, "NetworkPolicy")["spec"]["ingress"]
    (rule,) = [rule for rule in rules if rule["ports"][0]["port"] == "policy"]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"helm-release-name": "vllm"}}}]


def test_the_policies_around_production_stack_are_what_kubernetes_takes() -> None:
    kubernetes = pytest.importorskip(
        "kubernetes_validate", reason="make deploy-check installs Kubernetes' schemas"
    )
    for each in yaml.safe_load_all(
        (CHART.parent / "production-stack" / "network-policy.yaml").read_text(encoding="utf-8")
    ):
        kubernetes.validate(each, "1.32", strict=True)
