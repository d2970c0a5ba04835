"""docs/failures.md: what the doctor and the three health routes say under each failure, with real servers."""

import datetime as dt
import socket
import ssl
import threading
import time
from contextlib import suppress

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.testclient import TestClient

from kaizen_api import Interaction, Producer, keys
from kaizen_api.checks import run_checks
from kaizen_api.errors import Backpressure
from kaizen_api.http import create_app
from kaizen_api.wedged import TICKS_MISSED, Sign
from kaizen_worker.engine import live
from kaizen_worker.engine.knowledge import LookUp
from kaizen_worker.engine.runtime import Runtime

HOST = "another-host"


def seen(config, *only):
    return {check.name: check for check in run_checks(config, only=only)}


@pytest.fixture
def routes():
    """Path → status of the health routes under a configuration."""

    def ask(config):
        with TestClient(create_app(config, LookUp(Runtime(config))), base_url="http://127.0.0.1") as client:
            return {path: client.get(path).status_code for path in ("/livez", "/readyz", "/kaizen/health")}

    return ask


WELL = {"/livez": 200, "/readyz": 200, "/kaizen/health": 200}
NO_REDIS = {"/livez": 200, "/readyz": 503, "/kaizen/health": 503}


def test_all_is_well(config, routes):
    assert routes(config) == WELL
    assert seen(config, "server")["memory"].ok


def test_a_worker_that_does_nothing_is_named_wherever_it_runs(redis, config, routes):
    sign = Sign(job="", at=time.time_ns() // 1000 - 60_000_000, until=0, ticks=0)
    redis.hset(keys.WORKERS, f"kaizen1@{HOST}", msgspec.msgpack.encode(sign))
    redis.set(keys.TICKS, TICKS_MISSED + 3)
    assert f"worker kaizen1@{HOST}" not in seen(config, "workers")
    redis.incr(keys.TICKS)
    check = seen(config, "workers")[f"worker kaizen1@{HOST}"]
    assert not check.ok
    assert "makes no progress" in check.detail
    assert "SIGKILL" in check.remedy
    assert routes(config) == WELL  # what is pushed is taken, and waits


def test_a_dead_beat_is_told(redis, config, routes):
    redis.set(keys.TICKED, 1, ex=60)
    assert seen(config, "beat")["beat"].ok
    redis.delete(keys.TICKED)
    check = seen(config, "beat")["beat"]
    assert not check.ok
    assert "kaizen beat" in check.remedy
    assert routes(config) == WELL


@pytest.fixture
def limit(redis):
    """Sets maxmemory as a share of what is used."""
    yield lambda share: redis.config_set("maxmemory", round(redis.info("memory")["used_memory"] * share))
    redis.config_set("maxmemory", 0)


def test_a_full_redis_is_told_before_and_when_it_is(config, routes, limit):
    assert "no maxmemory" in seen(config, "server")["memory"].detail
    limit(2.0)
    assert (seen(config, "server")["memory"].ok, seen(config, "server")["memory"].remedy) == (True, "")
    limit(1.25)
    filling = seen(config, "server")["memory"]
    assert filling.ok
    assert "raise maxmemory" in filling.remedy
    limit(1.0)
    assert not seen(config, "server")["memory"].ok
    assert routes(config) == WELL  # reading goes on; what is pushed is answered by 429
    with pytest.raises(Backpressure), Producer(config) as producer:
        producer.append([Interaction(query="q")])


@pytest.fixture(scope="module")
def expired(tmp_path_factory):
    """URL of a server whose certificate ended yesterday; nobody gets further than to it."""
    folder = tmp_path_factory.mktemp("expired")
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - dt.timedelta(days=90)).not_valid_after(now - dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    encoding, clear = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "key").write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, clear))
    (folder / "certificate").write_bytes(certificate.public_bytes(encoding))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate", folder / "key")
    listening = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"rediss://:sesame@localhost:{listening.getsockname()[1]}/0?ssl_ca_certs={folder / 'certificate'}"
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def test_an_expired_certificate_is_told_as_that(config, routes, expired):
    behind = config.model_copy(update={"redis_url": expired})
    check = seen(behind, "server")["server"]
    assert not check.ok
    assert "certificate has expired" in check.detail
    assert "renew it" in check.detail
    assert "sesame" not in check.detail
    assert routes(behind) == NO_REDIS


def test_a_redis_that_is_away_fails_readiness_and_kills_nobody(config, routes, tmp_path):
    away = config.model_copy(update={"redis_url": f"unix://{tmp_path}/none.sock"})
    assert not seen(away, "server")["server"].ok
    assert routes(away) == NO_REDIS
    [live] = run_checks(away, only=("beat",))
    assert not live.ok


def test_dead_letters_beyond_the_limit_are_told_by_the_worker_and_the_doctor(redis, config, caplog):
    limited = config.model_copy(update={"max_dead_letters": 10})
    for number in range(11):
        redis.xadd(keys.stream(config.tenant), {"r": b"\xff" + bytes([number])})
    redis.sadd(keys.TENANTS, config.tenant)
    tenant = Runtime(limited).tenant(config.tenant)
    while redis.xlen(keys.stream(config.tenant)):
        live.consume(tenant, place="0")
    assert redis.xlen(keys.dead(config.tenant)) == 10
    check = seen(limited, "stream")["dead letters"]
    assert not check.ok
    assert "10, and 1 before them made room: 10 may be kept" in check.detail
    assert "1 dead letters of default made room" in caplog.text
