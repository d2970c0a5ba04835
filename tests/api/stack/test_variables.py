import subprocess
import sys

from kaizen_api.config import KaizenConfig
from kaizen_api.stack import api, beat, exporter, flower, variables, workers

CHANGED = {
    "tenant": "acme",
    "api_keys": {"acme": "s3cret"},
    "user_key": "k3y",
    "redis_url": "redis://:pass@localhost:1/0",
    "enable_clustering": False,
    "analysis_interval": 600,
    "confidence_threshold": 0.25,
    "performance_threshold": {"response_time": 1.5, "error_rate": 0.5},
    "search_sources": [],
    "documents_path": "/tmp/with space",
    "timezone": "Europe/Berlin",
}


def test_another_process_gets_the_same_configuration():
    config = KaizenConfig(**CHANGED)
    program = "from kaizen_api import KaizenConfig; print(repr(KaizenConfig.from_env().to_legacy_dict()))"
    environment = {"PATH": "/usr/bin:/bin", **variables(config)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr(config.to_legacy_dict())
    assert KaizenConfig().to_legacy_dict() != config.to_legacy_dict()


def test_no_secret_is_on_a_command_line(tmp_path):
    config = KaizenConfig(**CHANGED)
    services = [api(config), *workers(config), beat(), exporter(config), flower(config, tmp_path)]
    words = " ".join(word for service in services for word in service.argv)
    for secret in ("s3cret", "k3y", "pass@"):
        assert secret not in words


def test_there_are_as_many_workers_as_configured():
    services = workers(KaizenConfig(workers=3))
    assert [service.name for service in services] == ["worker1", "worker2", "worker3"]
    assert len({service.node for service in services}) == 3


def test_the_url_is_one_that_this_machine_reaches():
    assert api(KaizenConfig(api_host="0.0.0.0", api_keys={"acme": "k"}, api_port=8081)).url == "http://127.0.0.1:8081"
    assert api(KaizenConfig(api_host="::1", api_port=8081)).url == "http://[::1]:8081"
