import json

import pytest

from kd_keras import hosts

FORM = '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}'


def environment(cluster, kind="worker", index=0):
    said = {"cluster": cluster, "task": {"type": kind, "index": index}}
    return {"TF_CONFIG": json.dumps(said)}


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"TF_CONFIG": ""},
        environment({"worker": ["a:1"]}),
        environment({"chief": ["a:1"], "worker": []}, "chief"),
    ],
)
def test_a_process_that_is_alone(variables):
    cluster = hosts.read_cluster(variables)
    assert cluster == hosts.Cluster()
    assert (cluster.count, cluster.index, cluster.is_chief) == (1, 0, True)


def test_the_first_worker_is_the_chief_where_none_is_named():
    first, second = (
        hosts.read_cluster(environment({"worker": ["a:1", "b:2"]}, index=i)) for i in (0, "1")
    )
    assert first.names == second.names == ("worker 0", "worker 1")
    assert (first.count, first.is_chief, second.is_chief) == (2, True, False)
    assert second.describe(second.index) == "worker 1 at b:2"


def test_a_chief_comes_before_the_workers():
    cluster = {"worker": ["a:1", "b:2"], "chief": ["c:3"]}
    chief = hosts.read_cluster(environment(cluster, "chief"))
    worker = hosts.read_cluster(environment(cluster, "worker", 1))
    assert chief.addresses == worker.addresses == ("c:3", "a:1", "b:2")
    assert chief.names == ("chief", "worker 0", "worker 1")
    assert (chief.index, worker.index) == (0, 2)


TWO = {"worker": ["a:1", "b:2"]}


@pytest.mark.parametrize(
    ("variables", "more", "received"),
    [
        ({"TF_CONFIG": "{'a'"}, "", "what is no JSON: Expecting property name"),
        ({"TF_CONFIG": "3"}, "", "no cluster."),
        ({"TF_CONFIG": "{}"}, "", "no cluster."),
        ({"TF_CONFIG": '{"cluster": {}}'}, "", "no cluster."),
        (environment({"worker": []}), "", "no cluster."),
        (environment({"ps": ["c:3"], **TWO}), " All hosts train alike.", "hosts of the kind ps."),
        (environment({"worker": "a:1"}), "", '"a:1" as the addresses of worker.'),
        (environment({"worker": ["a"]}), "", '["a"] as the addresses of worker.'),
        (environment({"worker": ["a:1", "b:x"]}), "", '["a:1", "b:x"] as the addresses of'),
        (environment({"worker": ["a:1", "a:1"]}), "", "an address twice."),
        (environment({"chief": ["c:3", "d:4"]}), " There is one at most.", "2 chiefs."),
        ({"TF_CONFIG": json.dumps({"cluster": TWO})}, "", "no task with its type and index."),
        (environment(TWO, "ps"), " The cluster's hosts are worker.", "a task of the type ps."),
        (environment(TWO, index=2), " The cluster has worker 0 to 1.", "the index 2."),
        (environment(TWO, index=-1), " The cluster has worker 0 to 1.", "the index -1."),
        (environment(TWO, index="x"), " The cluster has worker 0 to 1.", "the index x."),
    ],
)
def test_what_cannot_be_is_a_sentence(variables, more, received):
    with pytest.raises(ValueError, match="TF_CONFIG") as caught:
        hosts.read_cluster(variables)
    start = f"Invalid value for TF_CONFIG. Expected {FORM}.{more} Received: {received}"
    assert str(caught.value).startswith(start)
