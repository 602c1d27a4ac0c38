"""Which machines train one network together: what TF_CONFIG says, read without TensorFlow.

`TF_CONFIG` is TensorFlow's own variable: a JSON object with the addresses of all hosts and this
host's place among them. How hosts wait for each other is in `peers`; what they do together is in
`training.multi_host` and `teamwork`.
"""

import dataclasses
import json
import os

__all__ = ["VARIABLE", "Cluster", "read_cluster"]

VARIABLE = "TF_CONFIG"

_KINDS = ("chief", "worker")
_FORM = '{"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}'


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The hosts that train together. The first one is the chief: it alone writes the run.

    Attributes:
        addresses: Of all of them, `HOST:PORT`; none where this process is alone.
        names: What they are called, `worker 0`.
        index: This host's place among them.
    """

    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    index: int = 0

    @property
    def count(self):
        """How many there are, 1 where this process is alone."""
        return max(1, len(self.addresses))

    @property
    def is_chief(self):
        """Whether this is the host that writes the run."""
        return self.index == 0

    def describe(self, index):
        """A host's name and address, for a sentence.

        Example:
            >>> Cluster(("a:1", "b:2"), ("worker 0", "worker 1")).describe(1)
            'worker 1 at b:2'
        """
        return f"{self.names[index]} at {self.addresses[index]}"


def read_cluster(environment=os.environ):
    """The hosts of `TF_CONFIG`.

    Args:
        environment: Variables by name.

    Returns:
        A `Cluster`; that of one host where the variable is not set or names one alone.

    Raises:
        ValueError: If it says something that cannot be.

    Example:
        >>> text = '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}'
        >>> read_cluster({"TF_CONFIG": text})
        Cluster(addresses=('a:1', 'b:2'), names=('worker 0', 'worker 1'), index=1)
    """
    text = environment.get(VARIABLE, "")
    if not text:
        return Cluster()
    try:
        said = json.loads(text)
    except json.JSONDecodeError as error:
        raise _invalid(f"what is no JSON: {error}") from None
    places, addresses = _list_hosts(said)
    here = _find_task(said, places)
    if len(places) == 1:
        return Cluster()
    names = [kind if kind == "chief" else f"{kind} {number}" for kind, number in places]
    return Cluster(tuple(addresses), tuple(names), here)


def _list_hosts(said):
    """Kind and number of every host, in TensorFlow's order, and its address."""
    cluster = said.get("cluster") if isinstance(said, dict) else None
    if not isinstance(cluster, dict) or not cluster:
        raise _invalid("no cluster")
    unknown = sorted(set(cluster) - set(_KINDS))
    if unknown:
        raise _invalid(f"hosts of the kind {', '.join(unknown)}", " All hosts train alike.")
    hosts = []
    for kind in _KINDS:
        listed = cluster.get(kind, [])
        if not isinstance(listed, list) or not all(map(_is_address, listed)):
            raise _invalid(f"{json.dumps(listed)} as the addresses of {kind}")
        hosts += [((kind, number), address) for number, address in enumerate(listed)]
    places, addresses = [place for place, _ in hosts], [address for _, address in hosts]
    if not hosts:
        raise _invalid("no cluster")
    if ("chief", 1) in places:
        raise _invalid(f"{len(cluster['chief'])} chiefs", " There is one at most.")
    if len(set(addresses)) < len(addresses):
        raise _invalid("an address twice")
    return places, addresses


def _is_address(value):
    if not isinstance(value, str):
        return False
    name, _, port = value.rpartition(":")
    return bool(name) and port.isdecimal() and 0 < int(port) < 2**16


def _find_task(said, places):
    task = said.get("task")
    if not isinstance(task, dict) or not {"type", "index"} <= set(task):
        raise _invalid("no task with its type and index")
    kind, number = task["type"], task["index"]
    if not any(kind == known for known, _ in places):
        kinds = " or ".join(dict.fromkeys(known for known, _ in places))
        raise _invalid(f"a task of the type {kind}", f" The cluster's hosts are {kinds}.")
    of_kind = sum(kind == known for known, _ in places)
    place = (kind, int(number) if str(number).isdecimal() else -1)
    if place not in places:
        raise _invalid(f"the index {number}", f" The cluster has {kind} 0 to {of_kind - 1}.")
    return places.index(place)


def _invalid(received, more=""):
    return ValueError(
        f"Invalid value for {VARIABLE}. Expected {_FORM}.{more} Received: {received}."
    )
