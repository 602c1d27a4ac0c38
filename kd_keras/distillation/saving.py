"""How a distiller becomes a `.keras` file and comes back. What it does is in `distiller`."""

import copy

import keras

__all__ = ["JointSaving", "Saving"]


class Saving:
    """The four methods by which Keras saves and restores a `Distiller`, which inherits them."""

    def get_config(self):
        """The constructor's arguments but for the teacher, for saving."""
        weights = {name: float(self.hyperparameters[name]) for name in self.terms.names}
        serialize = keras.saving.serialize_keras_object
        return {
            "student": serialize(self.student),
            "matching": [
                (serialize(loss), weights[name]) for name, loss in self.terms.matching.items()
            ],
            "supervised_weight": weights["supervised"],
            "adversary": self.adversary and serialize(self.adversary),
            "adversarial_weight": weights.get("adversarial", 0.0),
            "track_gradient_shares": self.track_gradient_shares,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`, without a teacher."""
        restore = keras.saving.deserialize_keras_object
        config = copy.deepcopy(config)  # Keras takes entries out of what it restores.
        matching = [(restore(loss), weight) for loss, weight in config["matching"]]
        adversary = config["adversary"] and restore(config["adversary"])
        return cls(
            **{
                **config,
                "student": restore(config["student"]),
                "matching": matching,
                "adversary": adversary,
            }
        )

    def get_compile_config(self):
        """What `compile` was given, for saving."""
        serialize = keras.saving.serialize_keras_object
        return {
            "optimizer": serialize(self.optimizer),
            "discriminator_optimizer": self.adversary and serialize(self.discriminator_optimizer),
            "xla": self.xla,
            "clip_norm": self.clip_norm,
            "micro_batches": self.micro_batches,
            "checkpoint_gradients": self.checkpoint_gradients,
        }

    def compile_from_config(self, config):
        """The inverse of `get_compile_config`."""
        config = dict(config)
        for key in [key for key in config if key.endswith("optimizer")]:
            config[key] = config[key] and keras.saving.deserialize_keras_object(config[key])
        self.compile(**config)


class JointSaving(Saving):
    """The same for a `JointDistiller`, whose peer is saved with it."""

    def get_config(self):
        """The constructor's arguments, for saving; the peer is one of them."""
        config = super().get_config()
        del config["adversary"], config["adversarial_weight"]
        peer = keras.saving.serialize_keras_object(self.peer)
        return {**config, "peer": peer, "both_ways": self.both_ways, "share": self.share}

    @classmethod
    def from_config(cls, config):
        """The inverse of `get_config`."""
        restore = keras.saving.deserialize_keras_object
        config = copy.deepcopy(config)  # Keras takes entries out of what it restores.
        networks = {role: restore(config[role]) for role in ("student", "peer")}
        matching = [(restore(loss), weight) for loss, weight in config["matching"]]
        return cls(**{**config, **networks, "matching": matching})

    def get_compile_config(self):
        """What `compile` was given, for saving."""
        config = super().get_compile_config()
        del config["discriminator_optimizer"]
        return {
            **config,
            "peer_optimizer": keras.saving.serialize_keras_object(self.peer_optimizer),
        }
