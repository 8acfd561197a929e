"""The sidecar manifests, as far as they can be checked without a cluster: structure, safety, and that they agree with each other."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from agent.config import Config
from agent.config_file import read

DEPLOY = Path(__file__).parents[2] / "deploy"
KUBERNETES: dict[str, Any] = {
    document["kind"]: document for document in yaml.safe_load_all((DEPLOY / "kubernetes/sidecar.yaml").read_text("utf-8"))
}
POD: dict[str, Any] = KUBERNETES["Deployment"]["spec"]["template"]["spec"]
SIDECAR: dict[str, Any] = POD["initContainers"][0]
APP: dict[str, Any] = yaml.safe_load((DEPLOY / "container-apps/sidecar.yaml").read_text("utf-8"))["properties"]
BESIDE: dict[str, Any] = next(one for one in APP["template"]["containers"] if one["name"] == "driftline")
CONFIGURATIONS = {
    "kubernetes": KUBERNETES["ConfigMap"]["data"]["driftline.yaml"],
    "container-apps": next(one["value"] for one in APP["configuration"]["secrets"] if one["name"] == "driftline-yaml"),
}


def config(name: str) -> Config:
    """Return the configuration a manifest carries."""
    return read(CONFIGURATIONS[name], name, Path("/etc/driftline"), {"APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=x"})


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_configuration_inside_is_sound(name: str) -> None:
    """It is read without a fault, keeps its state on the volume, and names the application the manifest runs."""
    found = config(name)
    application = POD["containers"][0] if name == "kubernetes" else APP["template"]["containers"][0]
    variables = {one["name"]: one["value"] for one in application["env"]}

    assert found.state == Path("/var/lib/driftline")
    assert variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://{found.sources['otlp'].http}"
    assert found.endpoints["support-chat"].match == {"service.name": variables["OTEL_SERVICE_NAME"]}


def test_the_kubernetes_sidecar_is_locked_down() -> None:
    """Not root, no privileges, read-only root, no service-account token; memory bounded, requests stated."""
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["runAsUser"] == POD["securityContext"]["fsGroup"] == 10001
    assert SIDECAR["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(SIDECAR["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in SIDECAR["resources"]["limits"]


def test_the_kubernetes_sidecar_starts_first_and_alone() -> None:
    """A native sidecar with all three probes; one replica, and never two on one volume."""
    assert SIDECAR["restartPolicy"] == "Always"
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(SIDECAR)
    assert all(
        str(config("kubernetes").health).rpartition(":")[2] in SIDECAR[probe]["exec"]["command"][-1]
        for probe in ("startupProbe", "livenessProbe")
    )
    assert KUBERNETES["Deployment"]["spec"]["replicas"] == 1
    assert KUBERNETES["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}


def test_kubernetes_names_lead_somewhere() -> None:
    """Volumes, claims, maps, labels and ports that are referred to exist."""
    volumes = {volume["name"]: volume for volume in POD["volumes"]}
    labels = KUBERNETES["Deployment"]["spec"]["template"]["metadata"]["labels"]

    assert {mount["name"] for mount in SIDECAR["volumeMounts"]} <= set(volumes)
    assert volumes["state"]["persistentVolumeClaim"]["claimName"] == KUBERNETES["PersistentVolumeClaim"]["metadata"]["name"]
    assert volumes["config"]["configMap"]["name"] == KUBERNETES["ConfigMap"]["metadata"]["name"]
    assert KUBERNETES["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert str(SIDECAR["ports"][0]["containerPort"]) == config("kubernetes").sinks["prometheus"].listen.rpartition(":")[2]


def test_container_apps_names_lead_somewhere() -> None:
    """Volumes and secrets that are referred to exist; the probes ask an address other machines reach."""
    secrets = {secret["name"] for secret in APP["configuration"]["secrets"]}
    volumes = {volume["name"]: volume for volume in APP["template"]["volumes"]}
    listen = config("container-apps").sinks["prometheus"]

    assert {mount["volumeName"] for mount in BESIDE["volumeMounts"]} <= set(volumes)
    assert {one["secretRef"] for volume in volumes.values() for one in volume.get("secrets", [])} <= secrets
    assert {one["secretRef"] for one in BESIDE["env"]} <= secrets
    assert {probe["type"] for probe in BESIDE["probes"]} == {"Startup", "Readiness", "Liveness"}
    assert {probe["httpGet"]["port"] for probe in BESIDE["probes"]} == {int(listen.listen.rpartition(":")[2])}
    assert listen.allow_insecure
    assert APP["template"]["scale"] == {"minReplicas": 1, "maxReplicas": 1}


def test_container_apps_sizes_are_ones_it_takes() -> None:
    """The consumption plan takes a total of 0.25 to 4 cores in quarters, with twice as many GiB."""
    cpu = sum(container["resources"]["cpu"] for container in APP["template"]["containers"])
    memory = sum(float(container["resources"]["memory"].removesuffix("Gi")) for container in APP["template"]["containers"])

    assert cpu % 0.25 == 0
    assert memory == 2 * cpu
