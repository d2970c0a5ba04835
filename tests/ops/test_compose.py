"""compose.yaml is what Compose itself takes, and every part of it is shut as far as it can be."""

import os
import re

import pytest
import yaml

from kaizen_api.cli.root import build
from kaizen_api.config import KaizenConfig

SERVICES = ["alertmanager", "api", "beat", "exporter", "flower", "grafana", "prometheus", "redis", "worker"]
OURS = ["api", "beat", "exporter", "flower", "worker"]


def test_compose_itself_takes_it(tool):
    checked = tool("docker-compose", "-f", "compose.yaml", "config", "-q")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_compose_refuses_what_is_wrong_in_it(tool, root, tmp_path):
    """So that the test above can fail; its exit code is 0 all the same, as PyPI packs it."""
    wrong = tmp_path / "compose.yaml"
    wrong.write_text((root / "compose.yaml").read_text().replace("stop_grace_period:", "stop_grace:"))
    assert (
        "additional properties 'stop_grace' not allowed" in tool("docker-compose", "-f", wrong, "config", "-q").stderr
    )


def test_all_parts_are_there(compose):
    assert sorted(compose["services"]) == SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_each_part_has_as_few_rights_as_it_can(compose, name):
    service = compose["services"][name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "cap_add", "network_mode", "pid"} & set(service)
    assert int(service["user"].partition(":")[0]) > 0
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_each_image_is_pinned_and_can_be_set(compose, name):
    assert re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*\}", compose["services"][name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_on_this_machine_only(compose, name):
    for port in compose["services"][name].get("ports", []):
        assert port.startswith("${BIND:-127.0.0.1}:")


def test_redis_is_reached_by_none_but_kaizen(compose):
    assert compose["networks"]["data"] == {"internal": True}
    assert compose["services"]["redis"]["networks"] == ["data"]
    assert "ports" not in compose["services"]["redis"]


@pytest.mark.parametrize("name", OURS)
def test_each_command_is_one_of_kaizen_with_its_options(compose, name):
    command = compose["services"][name]["command"]
    context = build().get_command(None, command[0]).make_context(command[0], list(command[1:]))
    assert context.command.name == command[0]


@pytest.mark.parametrize("name", OURS)
def test_each_setting_is_one(compose, name):
    names = compose["services"][name]["environment"]
    known = {"OTEL_EXPORTER_OTLP_ENDPOINT", *(f"KAIZEN_{field.upper()}" for field in KaizenConfig.model_fields)}
    assert {setting.removesuffix("_FILE") for setting in names} <= known
    assert names


def test_no_secret_stands_in_it_and_each_comes_as_a_file_that_the_script_makes(compose, secrets):
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            secret = value.removeprefix("/run/secrets/")
            assert secret == value or secret in service["secrets"], f"{name} reads {variable} and is not handed it"
            assert value.startswith("/run/secrets/") or not re.search(r"PASSWORD|_KEYS?$|AUTH|_URL", variable)
    assert {path.name for path in secrets.iterdir()} == {*compose["secrets"], "redis_password"}


def test_named_volumes_and_folders_of_ours_are_those_that_are_used(compose):
    used = {
        volume.partition(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])
    }
    assert {name for name in used if not name.startswith("./")} == set(compose["volumes"])
    assert {name for name in used if name.startswith("./")} <= {
        f"./ops/{part}"
        for part in ("redis.conf", "prometheus", "alertmanager", "grafana/provisioning", "grafana/dashboards")
    }


def test_a_file_of_variables_beside_it_disturbs_kaizen_not(compose, root):
    """Compose and Kaizen both read .env: no variable of the images and ports has Kaizen's prefix."""
    text = (root / "compose.yaml").read_text()
    assert not re.search(r"\$\{KAIZEN_", text)
    assert yaml.safe_load(text) == compose


def test_the_settings_of_the_parts_are_a_configuration(compose, secrets, monkeypatch):
    environment = {}
    for name in OURS:
        environment |= compose["services"][name]["environment"]
    for variable, value in environment.items():
        if value.startswith("/run/secrets/"):
            monkeypatch.setenv(variable, value.replace("/run/secrets", os.fspath(secrets)))
    config = KaizenConfig(api_host="0.0.0.0")
    assert list(config.api_keys) == ["acme"]
    assert config.redis_url.endswith("@redis:6379/0")
    assert len(config.user_key.get_secret_value()) == 48


def test_prometheus_asks_and_tells_parts_that_are_there_on_their_own_ports(compose, root):
    """What is scraped is the exporter's address in the network, and alerts go to the Alertmanager's."""
    settings = yaml.safe_load((root / "ops/prometheus/prometheus.yml").read_text())
    scraped = [config for job in settings["scrape_configs"] for config in job["static_configs"]]
    told = [config for one in settings["alerting"]["alertmanagers"] for config in one["static_configs"]]
    places = {target for config in (*scraped, *told) for target in config["targets"]}
    inside = {f"{name}:{port.rpartition(':')[2]}" for name, service in compose["services"].items()
              for port in service.get("ports", [])}  # fmt: skip
    assert {"exporter:9090", "alertmanager:9093"} <= places <= inside


def test_traces_are_sent_where_the_environment_of_compose_says(tool):
    """And nowhere where it says nothing: an empty variable names no collector."""
    for endpoint in ("", "http://collector:4318"):
        told = tool("docker-compose", "-f", "compose.yaml", "config", OTLP_ENDPOINT=endpoint).stdout
        services = yaml.safe_load(told)["services"]
        for name in ("api", "worker"):
            assert services[name]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == endpoint
