import contextlib
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from kd_keras import hosts, peers

ROOT = pathlib.Path(__file__).parents[1]


def free_ports(count=2):
    with contextlib.ExitStack() as held:
        servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        for server in servers:
            held.enter_context(server)
        return [server.getsockname()[1] for server in servers]


def make_cluster(ports, index=0):
    names = tuple(f"worker {number}" for number in range(len(ports)))
    return hosts.Cluster(tuple(f"127.0.0.1:{port}" for port in ports), names, index)


def listen(port):
    return socket.create_server(("127.0.0.1", port))


def test_hosts_meet_whichever_comes_first():
    ports = free_ports()
    met = []

    def come(index):
        peers.meet(make_cluster(ports, index), minutes=0.2)
        met.append(index)
        # What TensorFlow does next: it takes the port that is free again.
        with listen(ports[index]):
            time.sleep(0.5)

    threads = [threading.Thread(target=come, args=(index,)) for index in (1, 0)]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join(10)
    assert sorted(met) == [0, 1]


def test_a_host_that_does_not_come():
    ports = free_ports(3)
    with listen(ports[1]), pytest.raises(ConnectionError) as caught:
        peers.meet(make_cluster(ports), minutes=0.001)
    assert str(caught.value) == (
        f"No answer from worker 2 at 127.0.0.1:{ports[2]} within 0.001 min. Start the same "
        "command on every host of TF_CONFIG, or wait longer: --host_minutes."
    )


def test_a_port_that_is_taken():
    ports = free_ports()
    with socket.create_server(("", ports[0])), pytest.raises(ConnectionError) as caught:
        peers.meet(make_cluster(ports), minutes=0.001)
    assert str(caught.value) == (
        f"Cannot listen as worker 0 at 127.0.0.1:{ports[0]}: Address already in use. Expected the "
        "address of this host in TF_CONFIG, and a port that is free. A run that was left running "
        "holds it."
    )


def test_who_is_missing():
    ports = free_ports(3)
    cluster = make_cluster(ports, index=1)
    with listen(ports[0]):
        with listen(ports[2]):
            assert peers.find_missing(cluster, seconds=0) == []
        assert peers.find_missing(cluster, seconds=0) == [2]
    assert peers.find_missing(cluster, seconds=0) == [0, 2]


HANGING = """
import time
from kd_keras import peers
with peers.deadline("In time.", seconds=60):
    pass
with peers.deadline("Too long.", seconds=0.1):
    time.sleep(60)
"""


def test_what_takes_too_long_is_ended():
    words = [sys.executable, "-c", HANGING]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (-signal.SIGKILL, "main.py: Too long.\n")


class Told(list):
    """What a watch has told."""

    def __init__(self):
        super().__init__()
        self.event = threading.Event()

    def __call__(self, gone):
        self.append(gone)
        self.event.set()


@pytest.fixture
def told():
    return Told()


def start(cluster, told):
    watch = peers.Watch(cluster, told, seconds=0.01, patience=3)
    watch.start()
    return watch


def test_the_chief_sees_that_a_host_has_gone(told):
    ports = free_ports(3)
    with listen(ports[1]):
        with listen(ports[2]):
            watch = start(make_cluster(ports), told)
            time.sleep(0.2)
            assert not told
        assert told.event.wait(10)
    watch.join(10)
    assert told == [[2]]


def test_other_hosts_look_after_the_chief_alone(told):
    ports = free_ports(3)
    with listen(ports[0]):
        with listen(ports[2]):
            watch = start(make_cluster(ports, index=1), told)
            time.sleep(0.1)
        time.sleep(0.1)
        assert not told
    assert told.event.wait(10)
    watch.join(10)
    assert told == [[0]]


def test_a_host_that_has_not_come_yet_is_waited_for_elsewhere(told):
    watch = start(make_cluster(free_ports()), told)
    time.sleep(0.2)
    watch.stop()
    watch.join(10)
    assert not watch.is_alive()
    assert not told
