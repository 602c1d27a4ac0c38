import json

import pytest

from kd_keras import distillation, losses
from tests.distillation import toys


def test_configuration_survives_a_round_trip():
    distiller = toys.make_distiller(
        matching=[(losses.SoftTarget(temperature=3.0), 0.9), (losses.LogitL1("mean"), 2.0)],
        adversary=toys.make_adversary("least_squares", label_weight=0.5, batch_statistics="joint"),
        supervised_weight=0.1,
        adversarial_weight=0.2,
        track_gradient_shares=True,
    )
    again = distillation.Distiller.from_config(distiller.get_config())
    assert json.dumps(again.get_config()) == json.dumps(distiller.get_config())
    assert {name: float(v) for name, v in again.hyperparameters.items()} == pytest.approx(
        {
            "supervised": 0.1,
            "soft_target": 0.9,
            "soft_target.temperature": 3.0,
            "logit_l1": 2.0,
            "adversarial": 0.2,
        }
    )
