"""Which students there are, which to try next, and which to take: the mathematics of a search.

Running trials, which takes a machine and hours, is in `searching`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "advice": ["format_quantity"],
        "choice": ["Choice", "choose"],
        "axes": ["Axis"],
        "axis_texts": ["parse_all"],
        "front": ["crowding", "hypervolume", "non_dominated", "ranks"],
        "oracles": ["make_oracle"],
        "pulses": ["pulse", "watch"],
        "records": ["Trial", "read", "read_facts", "write"],
        "roles": ["read_role", "require_chief", "tuner_name"],
        "space": ["describe", "normalize"],
        "steps": ["Size", "Step", "compare_steps", "describe_steps"],
        "students": [
            "QUANTITIES",
            "Candidate",
            "gather_candidates",
            "name_candidate",
            "name_network",
        ],
        "tuner": ["END", "WAIT", "Tuner"],
    },
)
