import os
import socket
import subprocess
import sys

import pytest

from kaizen_api.errors import Conflict, Invalid, Unavailable
from kaizen_api.stack import running
from kaizen_api.stack.ports import check_ports, port_is_free
from kaizen_api.stack.state import Claim

HOLDER = """
import sys
from pathlib import Path
from kaizen_api.stack.state import Claim
claim = Claim(Path(sys.argv[1]))
claim.publish({"api": "http://127.0.0.1:1"})
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_folder_has_room_for_one(holder, tmp_path):
    with pytest.raises(Conflict, match=rf"runs in {tmp_path} already \(pid {holder.pid}\)"):
        Claim(tmp_path)


def test_others_see_what_it_published(holder, tmp_path):
    assert running(tmp_path) == {"pid": holder.pid, "api": "http://127.0.0.1:1"}


def test_a_killed_holder_holds_nothing_and_leaves_a_hint(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert running(tmp_path) is None
    with Claim(tmp_path) as claim:
        assert claim.left_behind


def test_a_clean_end_leaves_no_hint(tmp_path):
    with Claim(tmp_path) as claim:
        claim.publish({})
        assert running(tmp_path) == {"pid": os.getpid()}
    assert running(tmp_path) is None
    with Claim(tmp_path) as claim:
        assert not claim.left_behind


def test_nothing_runs_where_there_is_no_folder(tmp_path):
    assert running(tmp_path / "none") is None


def test_a_port_in_use_is_reported_with_its_option():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not port_is_free("127.0.0.1", port)
        with pytest.raises(Unavailable, match=f"port {port} of the exporter is in use: .* --exporter-port"):
            check_ports({"exporter": f"http://127.0.0.1:{port}"})
        with pytest.raises(Unavailable, match="--port"):
            check_ports({"api": f"http://127.0.0.1:{port}"})
    check_ports({"api": f"http://127.0.0.1:{port}"})


def test_two_parts_cannot_share_a_port(free_port):
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(Invalid, match="api and flower cannot both listen"):
        check_ports({"api": url, "flower": url})
