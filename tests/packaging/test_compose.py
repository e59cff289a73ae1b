"""docker-compose.yml holds together: its files, its settings, its ports and its services exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.cli.main import COMMANDS
from streams.settings import Settings, names

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
PROMETHEUS = yaml.safe_load((ROOT / "grafana/prometheus/prometheus.yml").read_text(encoding="utf-8"))


def mounts(service: dict[str, Any]) -> list[tuple[str, str]]:
    """Source and target of each volume."""
    pairs = (str(volume).split(":")[:2] for volume in service.get("volumes", []))
    return [(source, target) for source, target in pairs]


def test_kafka_workers_prometheus_and_grafana_are_there() -> None:
    assert {"kafka", "worker", "prometheus", "grafana"} <= SERVICES.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists(name: str) -> None:
    for source, _ in mounts(SERVICES[name]):
        if source.startswith("."):
            assert (ROOT / source).is_dir(), source
        else:
            assert source in COMPOSE["volumes"], source


def test_every_volume_is_used() -> None:
    assert {source for service in SERVICES.values() for source, _ in mounts(service)} >= COMPOSE["volumes"].keys()


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_exists(name: str) -> None:
    assert set(SERVICES[name].get("depends_on", [])) <= SERVICES.keys()


@pytest.mark.parametrize("name", OURS)
def test_our_services_use_settings_and_commands_that_exist(name: str) -> None:
    assert set(SERVICES[name]["environment"]) <= set(names())
    assert SERVICES[name]["command"][0] in COMMANDS


def test_our_services_start_with_these_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SERVICES["worker"]["environment"].items():
        secret = "a secret of at least 32 characters" if "${" in value else value
        monkeypatch.setenv(variable, secret)
    settings = Settings()
    assert not settings.embedded
    assert settings.hash_key()
    host, _, port = str(settings.kafka.bootstrap_servers).partition(":")
    assert f"{host}:{port}" in SERVICES[host]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


def test_nothing_listens_beyond_this_machine() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_brokers_data_is_on_its_volume() -> None:
    kafka = SERVICES["kafka"]
    assert kafka["environment"]["KAFKA_LOG_DIRS"] in [target for _, target in mounts(kafka)]


def test_the_workers_data_is_on_its_volume() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (data_dir,) = re.findall(r"^ENV PAYSTATE_DATA_DIR=(\S+)$", dockerfile, re.MULTILINE)
    assert data_dir in [target for _, target in mounts(SERVICES["worker"])]
    assert f"VOLUME {data_dir}" in dockerfile


def test_a_worker_that_is_made_anew_finds_its_stores() -> None:
    """By its name, which is its host's with a number: a container's own host name changes with the container."""
    assert SERVICES["worker"]["hostname"]
    assert "PAYSTATE_INSTANCE" not in SERVICES["worker"]["environment"], "two workers may not share one"


def test_prometheus_scrapes_the_port_that_workers_serve() -> None:
    (job,) = PROMETHEUS["scrape_configs"]
    (lookup,) = job["dns_sd_configs"]
    assert job["job_name"] == "paystate"  # the boards' runtime panels ask for it
    assert set(lookup["names"]) <= SERVICES.keys()
    assert lookup["port"] == Settings.model_fields["web_port"].default


def test_a_failed_worker_is_started_again() -> None:
    assert SERVICES["worker"]["restart"] == "unless-stopped"


def test_grafana_finds_boards_and_data_source_where_they_are_mounted() -> None:
    targets = {target: source for source, target in mounts(SERVICES["grafana"])}
    provider = yaml.safe_load((ROOT / "grafana/provisioning/dashboards/paystate.yaml").read_text())["providers"][0]
    assert list((ROOT / targets[provider["options"]["path"]]).glob("*.json"))
    assert (ROOT / targets["/etc/grafana/provisioning"] / "datasources").is_dir()
    source = yaml.safe_load((ROOT / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"][0]
    assert source["url"].removeprefix("http://").split(":")[0] in SERVICES


def test_what_the_image_copies_is_in_its_build_context() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = [name for line in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE) for name in line.split()[:-1]]
    admitted = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == admitted
    assert all((ROOT / name).exists() for name in copied)
