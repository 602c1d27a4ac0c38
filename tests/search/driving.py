"""A search without training: candidates have made-up errors and times."""

from kd_keras import search

AXES = ("student.depth=10,16,22,28", "student.width=1..8", "student.dropout=0..0.5")


def evaluate(values):
    """Error and time of a made-up student: deeper and wider ones err less and take longer."""
    depth, width = values["student.depth"], values["student.width"]
    cost = (depth - 4) * width**1.5
    error = 3 + 60 / (1 + cost) + 20 * (values.get("student.dropout", 0.1) - 0.1) ** 2
    return error, 0.01 * cost


def make_tuner(folder, name, *, axes=AXES, trials=12, **options):
    """A tuner on a folder, which goes on where another on it was."""
    parsed = search.parse_all(axes)
    oracle = search.make_oracle(name, parsed, trials=trials, **options)
    return search.Tuner(oracle, parsed, folder)


def drive(tuner, *, most=1000, of=evaluate):
    """Let a tuner propose until its end; the proposals' names and values."""
    proposed = []
    while len(proposed) < most:
        proposal = tuner.propose(0)
        if proposal is search.END:
            break
        assert proposal is not search.WAIT
        error, milliseconds = of(proposal.values)
        tuner.report(proposal, error_percent=error, latency_milliseconds=milliseconds)
        proposed.append((proposal.name, proposal.values))
    return proposed
