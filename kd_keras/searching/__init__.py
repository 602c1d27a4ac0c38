"""Running a search: what is to be tried, trials in processes of their own, times, results.

Axes, oracles and fronts, which know nothing of runs, are in `search`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "claiming": ["claim"],
        "command": ["describe_plan", "finish", "prepare", "run_trials"],
        "feasibility": ["start"],
        "planning": ["DEFAULT_AXES", "Plan", "plan"],
    },
)
