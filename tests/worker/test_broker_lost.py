"""Celery 5.7's crash on a killed broker: reproduced on kombu alone, and gone where `kaizen_worker.app` is loaded.

A channel whose closing was interrupted, because another channel of its connection failed first, is closed again when
the worker cleans up. By then its transport has no client, and an AttributeError ends the worker, or leaves it hanging:
kombu ignores errors of the connection while it cleans up, and takes this one for none.
"""

import subprocess
import sys

import pytest

CLEAN_UP = """
import subprocess, sys, time
{loaded}
from kombu import Connection, Consumer, Producer, Queue
from kombu.common import ignore_errors
from kaizen_api import jobs
from kaizen_api.server import server_binary

socket = sys.argv[1] + "/s"
argv = [server_binary(), "--port", "0", "--unixsocket", socket, "--save", ""]
server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, cwd=sys.argv[1])
url = "redis+socket://" + socket
connection = Connection(url, transport_options=jobs.settings(url)["broker_transport_options"])
connection.ensure_connection(max_retries=50, interval_start=0.1, interval_step=0, interval_max=0.1)
channels, taken = [connection.channel(), connection.channel()], []
for number, channel in enumerate(channels):
    queue = Queue(f"q{{number}}", durable=False)
    consumer = Consumer(channel, [queue], callbacks=[lambda body, message: taken.append(message)], accept=["json"])
    consumer.qos(prefetch_count=1)
    consumer.consume()
    Producer(channel).publish({{}}, routing_key=queue.name, declare=[queue])
while len(taken) < 2:
    connection.drain_events(timeout=5)

server.kill()
server.wait()
ignore_errors(connection, connection.collect, socket_timeout=1)
assert not all(channel.closed for channel in channels), "kombu closes all of them by now: our setting may go"
try:
    for channel in channels:
        ignore_errors(connection, channel.close)
except AttributeError as error:
    print(error)
else:
    print("cleaned up")
"""


@pytest.mark.parametrize(
    ("loaded", "said"),
    [
        ("", "'NoneType' object has no attribute 'hostname'"),
        ("import kaizen_worker.app", "cleaned up"),
    ],
)
def test_cleaning_up_after_a_killed_broker(tmp_path_factory, loaded, said):
    folder = tmp_path_factory.mktemp("s")
    program = CLEAN_UP.format(loaded=loaded)
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == said, done.stderr
