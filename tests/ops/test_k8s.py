"""The manifests are what Kubernetes takes, strictly; each pod has few rights, probes that mean something, a bound."""

import re

import pytest
import yaml

from kaizen_api.cli.root import build
from kaizen_api.config import KaizenConfig
from kaizen_api.metrics import METRICS

OURS = ["api", "worker", "beat", "exporter", "flower"]
FOREIGN = {"kustomization.yaml", "keda.yaml"}  # kinds that are no part of Kubernetes itself


@pytest.fixture(scope="module")
def manifests(root):
    """(kind, name) → manifest."""
    files = sorted((root / "ops/k8s").glob("*.yaml"))
    found = [part for file in files for part in yaml.safe_load_all(file.read_text())]
    return {(part["kind"], part.get("metadata", {}).get("name")): part for part in found}


@pytest.fixture(scope="module")
def pods(manifests):
    """Name → specification of the pod."""
    kinds = ("Deployment", "StatefulSet")
    return {name: part["spec"]["template"]["spec"] for (kind, name), part in manifests.items() if kind in kinds}


def test_kubernetes_takes_them_strictly(tool, root):
    files = [file for file in sorted((root / "ops/k8s").glob("*.yaml")) if file.name not in FOREIGN]
    checked = tool("kubernetes-validate", "--strict", "-k", "1.33.0", *files)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "WARN" not in checked.stdout + checked.stderr


def test_kubernetes_refuses_what_is_wrong_in_them(tool, root, tmp_path):
    """So that the test above can fail."""
    wrong = tmp_path / "api.yaml"
    wrong.write_text((root / "ops/k8s/api.yaml").read_text().replace("periodSeconds", "period"))
    assert tool("kubernetes-validate", "--strict", "-k", "1.33.0", wrong).returncode != 0


def test_kustomize_names_each_file(manifests, root):
    named = manifests["Kustomization", None]["resources"]
    assert sorted([*named, "kustomization.yaml"]) == sorted(file.name for file in (root / "ops/k8s").iterdir())


def test_every_pod_keeps_to_the_restricted_standard(pods, manifests):
    assert manifests["Namespace", "kaizen"]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert sorted(pods) == sorted([*OURS, "redis"])
    for pod in pods.values():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        [container] = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert re.search(r":v?\d+\.\d+\.\d+$", container["image"])


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_one_of_kaizen_and_each_setting_one(pods, manifests, name):
    [container] = pods[name]["containers"]
    command = container["args"]
    assert build().get_command(None, command[0]).make_context(command[0], list(command[1:]))
    settings = [*(one["name"] for one in container["env"]), *manifests["ConfigMap", "kaizen"]["data"]]
    known = {"OTEL_EXPORTER_OTLP_ENDPOINT", *(f"KAIZEN_{field.upper()}" for field in KaizenConfig.model_fields)}
    assert {setting.removesuffix("_FILE") for setting in settings} <= known


@pytest.mark.parametrize("name", [*OURS, "redis"])
def test_each_pod_is_handed_the_secrets_it_reads_and_no_other(pods, secrets, name):
    [volume] = [volume for volume in pods[name]["volumes"] if volume["name"] == "secrets"]
    handed = {item["path"] for item in volume["secret"]["items"]}
    read = {one["value"].rpartition("/")[2] for one in pods[name]["containers"][0].get("env", [])} or {"redis_acl"}
    assert handed == read
    assert handed <= {path.name for path in secrets.iterdir()}


def test_workers_are_probed_by_their_progress_and_nobody_is_restarted_for_redis(pods):
    [worker] = pods["worker"]["containers"]
    assert worker["livenessProbe"]["exec"]["command"] == ["kaizen", "doctor", "--live"]
    [api] = pods["api"]["containers"]
    assert api["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert api["readinessProbe"]["httpGet"]["path"] == "/readyz"
    [beat] = pods["beat"]["containers"]
    assert "livenessProbe" not in beat
    for name in ("worker", "beat"):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            command = pods[name]["containers"][0].get(probe, {}).get("exec", {}).get("command", ["kaizen", "doctor"])
            assert build().get_command(None, "doctor").make_context("doctor", list(command[2:]))


def test_services_budgets_and_policies_choose_pods_that_are_there(manifests):
    names = {part["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] for (kind, _), part in manifests.items()
             if kind in ("Deployment", "StatefulSet")}  # fmt: skip
    chosen = re.findall(r"'app.kubernetes.io/name': '(\w+)'", str(list(manifests.values())))
    assert set(chosen) == names
    assert {name for kind, name in manifests if kind == "PodDisruptionBudget"} == {"api", "worker", "beat"}
    nothing = manifests["NetworkPolicy", "nothing-else"]["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_workers_scale_on_a_metric_that_there_is(manifests):
    scaled = manifests["ScaledObject", "worker"]["spec"]
    assert scaled["scaleTargetRef"]["name"] == "worker"
    assert "replicas" not in manifests["Deployment", "worker"]["spec"]  # or each apply would undo the scaling
    [trigger] = scaled["triggers"]
    [metric] = re.findall(r"kaizen_\w+", trigger["metadata"]["query"])
    assert metric in {known.name for known in METRICS}


def test_redis_has_the_same_file_as_everywhere(manifests, root):
    assert manifests["ConfigMap", "redis"]["data"] == {"redis.conf": (root / "ops/redis.conf").read_text()}
