from kd_keras import __version__
from kd_keras.report.sections import record
from tests.report import samples


def tables(**changes):
    section = record.describe(samples.run_content(**changes))
    return {table.caption.split()[0]: table for table in section.tables}, section


def test_settings_stand_beside_their_default():
    identities = {
        "scratch": {"training.epochs": 4, "distillation.loss": [], "run.deterministic": False},
        "default": {"training.epochs": 30, "distillation.loss": ["logit_l1"]},
    }
    found, _ = tables(identities=identities)
    assert found["Settings"].rows == (
        {"setting": "training.epochs", "scratch": "4", "default": "30", "default value": "30"},
        {
            "setting": "distillation.loss",
            "scratch": "none",
            "default": "logit_l1",
            "default value": "logit_l1",
        },
    )
    assert found["All"].rows[2] == {
        "setting": "run.deterministic",
        "scratch": "no",
        "default": None,
        "default value": "no",
    }


def test_a_setting_of_an_older_version_has_no_default():
    found, _ = tables(identities={"a": {"training.of_old": 1}})
    assert found["Settings"].rows[0]["default value"] is None


def test_fingerprints_and_versions_are_listed():
    found, _ = tables()
    assert found["Fingerprints,"].rows == (
        {"of": "distilled student: images and labels", "SHA-256": "aa"},
        {"of": "distilled student: the teacher's weights", "SHA-256": "bb"},
        {"of": "teacher: images and labels", "SHA-256": "aa"},
    )
    assert found["Versions"].rows == (
        {"library": "keras", "version": "3.15.1"},
        {"library": "kd_keras, which made this page", "version": __version__},
    )


def test_commands_are_handed_on():
    _, section = tables()
    assert section.commands == (("The student:", "python main.py distill --loss='a <b>'"),)
    assert section.paragraphs == ()


def test_no_settings_make_no_table():
    found, _ = tables(identities={})
    assert set(found) == {"Versions"}
