import pytest

from kd_keras import distillation, losses
from tests.distillation import toys


def _run(monitor, verdicts):
    for epoch, (teacher, student) in enumerate(verdicts):
        monitor.on_epoch_end(
            epoch,
            {
                "discriminator_teacher_accuracy": teacher,
                "discriminator_student_accuracy": student,
            },
        )


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ([(0.99, 0.99)] * 3, "won outright for 3 epochs: it is right on 99%"),
        ([(0.5, 0.5)] * 3, "told nothing apart for 3 epochs"),
        ([(1.0, 0.0)] * 3, "told nothing apart for 3 epochs"),
        ([(0.0, 1.0), (1.0, 0.0), (0.5, 0.5)], "told nothing apart"),
    ],
)
def test_a_discriminator_that_is_no_opponent_is_reported(verdicts, words):
    said = []
    _run(distillation.DiscriminatorMonitor(patience=3, report=said.append), verdicts)
    assert len(said) == 1
    assert words in said[0]


@pytest.mark.parametrize(
    "verdicts",
    [
        [(0.7, 0.6)] * 10,
        [(0.99, 0.99), (0.9, 0.9), (0.99, 0.99)],
        [(0.99, 0.99)] * 2,
        [(0.99, 0.7)] * 5,
        [(0.5, 0.5), (0.99, 0.99), (0.5, 0.5)],
    ],
)
def test_a_sound_game_is_not(verdicts):
    said = []
    _run(distillation.DiscriminatorMonitor(patience=3, report=said.append), verdicts)
    assert not said


def test_each_state_is_reported_once():
    said = []
    _run(
        distillation.DiscriminatorMonitor(patience=2, report=said.append),
        [(0.99, 0.99)] * 5 + [(0.5, 0.5)] * 5 + [(0.99, 0.99)] * 5,
    )
    assert len(said) == 2


def test_without_a_discriminator_nothing_is_said():
    said = []
    distillation.DiscriminatorMonitor(report=said.append).on_epoch_end(0, {"loss": 1.0})
    assert not said


def test_a_schedule_sets_weights_and_temperature_by_epoch():
    distiller = toys.make_distiller(matching=[(losses.SoftTarget(temperature=1.0), 1.0)])
    seen = []
    schedule = distillation.Schedule(
        {"soft_target": lambda epoch: 1.0 - epoch, "soft_target.temperature": lambda e: 2.0 + e}
    )
    schedule.on_epoch_end = lambda epoch, logs=None: seen.append(
        {name: float(v) for name, v in distiller.hyperparameters.items()}
    )
    data = toys.batches(*toys.make_vectors())
    distiller.fit(data, epochs=2, verbose=0, shuffle=False, callbacks=[schedule])
    assert [row["soft_target"] for row in seen] == [1.0, 0.0]
    assert [row["soft_target.temperature"] for row in seen] == [2.0, 3.0]


def test_an_unknown_hyperparameter_is_refused():
    distiller = toys.make_distiller()
    schedule = distillation.Schedule({"logit_l2": lambda epoch: 1.0})
    with pytest.raises(ValueError, match="Unknown hyperparameter") as error:
        distiller.fit(*toys.make_vectors(), verbose=0, callbacks=[schedule])
    assert "logit_l1, supervised" in str(error.value)
