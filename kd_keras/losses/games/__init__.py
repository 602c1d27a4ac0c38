"""Adversarial games: what takes the place of L_A, one class per file over the base in `base`.

To add a game: one module with the class, and its line in `TABLE`.
"""

import lazy_loader

from kd_keras import registry

TABLE = {
    "hinge": "kd_keras.losses.games.hinge:Hinge",
    "least_squares": "kd_keras.losses.games.least_squares:LeastSquares",
    "minimax": "kd_keras.losses.games.minimax:Minimax",
    "non_saturating": "kd_keras.losses.games.non_saturating:NonSaturating",
    "wasserstein": "kd_keras.losses.games.wasserstein:Wasserstein",
    "wasserstein_penalty": "kd_keras.losses.games.wasserstein_penalty:WassersteinPenalty",
}


def names():
    """The names that `get` takes, sorted."""
    return sorted(TABLE)


def get(name, /, **arguments):
    """Build the game of that name.

    Args:
        name: One of `names()`.
        **arguments: Of the game's constructor.

    Returns:
        A `Game`.

    Raises:
        ValueError: If there is no game of that name.
        TypeError: If the game takes no such argument.
    """
    return registry.build("game", TABLE, name, **arguments)


__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={**registry.submodule_attributes(TABLE), "base": ["Game"]},
)
__all__ += ["TABLE", "get", "names"]
