import pytest

from kd_keras import distillation, losses, schedules
from tests.distillation import toys


def _run(verdicts, patience=3, **choices):
    said = []
    monitor = distillation.DiscriminatorMonitor(10, patience, report=said.append, **choices)
    for epoch, (teacher, student, classes) in enumerate(verdicts):
        monitor.on_epoch_end(
            epoch,
            {
                "discriminator_teacher_accuracy": teacher,
                "discriminator_student_accuracy": student,
                "discriminator_teacher_class_accuracy": classes,
            },
        )
    return said


WON = (0.99, 0.99, 0.9)
SAME_OF_ALL = (1.0, 0.0, 0.9)
GUESSES = (0.5, 0.5, 0.1)
ORIGIN_UNKNOWN = (0.4, 0.6, 0.9)


@pytest.mark.parametrize(
    ("verdicts", "words"),
    [
        ([WON] * 3, "won outright for 3 epochs: it is right on 99%"),
        ([SAME_OF_ALL] * 3, "collapsed for 3 epochs: it is right on 100%"),
        ([SAME_OF_ALL, (0.0, 1.0, 0.9), GUESSES], "collapsed for 3 epochs"),
        ([GUESSES] * 5, "collapsed"),
    ],
)
def test_a_discriminator_that_is_no_opponent_is_reported(verdicts, words):
    said = _run(verdicts)
    assert len(said) == 1
    assert words in said[0]


@pytest.mark.parametrize(
    "verdicts",
    [
        [(0.7, 0.6, 0.9)] * 10,
        [WON, (0.9, 0.9, 0.9), WON],
        [WON] * 2,
        [(0.99, 0.7, 0.9)] * 5,
        [GUESSES, WON, GUESSES],
        [ORIGIN_UNKNOWN] * 10,
    ],
)
def test_a_sound_game_is_not(verdicts):
    assert not _run(verdicts)


def test_what_is_not_trained_to_tell_the_class_need_not_know_it():
    assert _run([GUESSES] * 5, learns_classes=False) == []
    assert len(_run([SAME_OF_ALL] * 5, learns_classes=False)) == 1


def test_each_fault_is_reported_once():
    assert len(_run([WON] * 5 + [GUESSES] * 5 + [WON] * 5, patience=2)) == 2


def test_without_a_discriminator_nothing_is_said():
    said = []
    distillation.DiscriminatorMonitor(10, report=said.append).on_epoch_end(0, {"loss": 1.0})
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


def test_a_schedule_goes_through_points_and_starts_from_what_is_there():
    distiller = toys.make_distiller(matching=[(losses.LogitL1(), 0.25)])
    points = {"logit_l1": schedules.read_schedule("2:1~4:0"), "supervised": ()}
    schedule = distillation.Schedule.through(points, distiller)
    schedule.set_model(distiller)
    seen = []
    for epoch in range(4):
        schedule.on_epoch_begin(epoch)
        seen.append([float(distiller.hyperparameters[name]) for name in points])
    assert seen == [[0.25, 1.0], [1.0, 1.0], [0.5, 1.0], [0.0, 1.0]]
    with pytest.raises(ValueError, match="Unknown hyperparameter"):
        distillation.Schedule.through({"logit_l1.temperature": ()}, distiller)
