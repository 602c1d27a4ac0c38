import socket

import pytest

from kd_keras.search import roles

NAMES = ("KERASTUNER_TUNER_ID", "KERASTUNER_ORACLE_IP", "KERASTUNER_ORACLE_PORT")


@pytest.fixture
def environment(monkeypatch):
    def change(*values):
        for name, value in zip(NAMES, values, strict=True):
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    change(None, None, None)
    return change


def test_alone(environment):
    assert roles.read_role() == "alone"
    assert roles.tuner_name() == "tuner0"


def test_chief_and_worker(environment):
    environment("chief", "127.0.0.1", "9000")
    assert roles.read_role() == "chief"
    environment("second", "127.0.0.1", "9000")
    assert (roles.read_role(), roles.tuner_name()) == ("worker", "second")


def test_half_an_environment(environment):
    environment(None, "127.0.0.1", None)
    with pytest.raises(ValueError, match="is not set") as caught:
        roles.read_role()
    assert str(caught.value) == (
        "The environment names a chief of the search, but KERASTUNER_TUNER_ID and "
        "KERASTUNER_ORACLE_PORT is not set. Expected KERASTUNER_TUNER_ID (chief, or a worker's "
        "own name), KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT, or none of them."
    )
    environment("chief", "127.0.0.1", "http")
    with pytest.raises(ValueError, match=r"PORT\. Expected a number\. Received: http\.$"):
        roles.read_role()


def test_a_chief_that_is_there(environment):
    with socket.create_server(("127.0.0.1", 0)) as server:
        environment("second", "127.0.0.1", str(server.getsockname()[1]))
        roles.require_chief(minutes=0)


def test_a_chief_that_is_not_there(environment, monkeypatch, capsys):
    monkeypatch.setattr(roles, "_PATIENCE_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    environment("second", "127.0.0.1", str(port))
    with pytest.raises(ConnectionError) as caught:
        roles.require_chief(minutes=0.01)
    assert str(caught.value) == (
        f"No chief of the search at 127.0.0.1:{port}: Connection refused. Start it with "
        "KERASTUNER_TUNER_ID=chief and the same flags, then this worker again: it goes on where "
        "the search was."
    )
    assert capsys.readouterr().out == f"waiting up to 0.01 min for the chief at 127.0.0.1:{port}\n"
