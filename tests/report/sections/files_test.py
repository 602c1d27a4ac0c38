from kd_keras.report.sections import files
from tests.report import samples


def test_each_file_has_a_row():
    [table] = files.describe(samples.run_content()).tables
    assert table.rows == (
        {
            "file": "student.tflite",
            "verdict": "pass",
            "kB": 3.0,
            "images": 60,
            "largest logit difference": 1e-6,
            "agreement %": 100.0,
            "error before %": 10.0,
            "error after %": 10.0,
        },
    )


def test_a_file_that_fails_says_why():
    [verdict] = samples.run_content().verdicts
    failed = verdict | {"passed": False, "reasons": ["It does not load.", "It is damaged."]}
    [table] = files.describe(samples.run_content(verdicts=(failed,))).tables
    assert table.rows[0]["verdict"] == "FAIL"
    assert table.rows[0]["reason"] == "It does not load. It is damaged."


def test_without_files_there_is_no_section():
    assert files.describe(samples.run_content(verdicts=())) is None


def test_times_are_shown_where_they_were_measured():
    [verdict] = samples.run_content().verdicts
    latencies = [
        {
            "num_threads": threads,
            "median_milliseconds": milliseconds,
            "percentile95_milliseconds": 2 * milliseconds,
        }
        for threads, milliseconds in ((1, 1.5), (None, 0.75))
    ]
    latencies.append(latencies[0] | {"batch": 8, "median_milliseconds": 9.0})
    timed = verdict | {"latencies": latencies}
    [table] = files.describe(samples.run_content(verdicts=(timed,))).tables
    assert table.rows[0]["ms per image, threads: 1"] == 1.5
    assert table.rows[0]["ms per image, TensorFlow's threads"] == 0.75
    assert table.rows[0]["95% of calls, threads: 1"] == 3.0
    assert table.rows[0]["ms per call of 8 images, threads: 1"] == 9.0
    assert table.rows[0]["95% of calls of 8 images, threads: 1"] == 3.0


def test_what_is_in_a_file_is_shown_where_it_is_known():
    [verdict] = samples.run_content().verdicts
    known = verdict | {
        "precision": "int8",
        "mean_logit_difference": 0.125,
        "operations": {"CONV_2D": 3, "ADD": 1},
        "negative_log_likelihood_after_nats": 0.5,
    }
    _, table = files.describe(samples.run_content(verdicts=(known,))).tables
    assert table.rows == (
        {
            "file": "student.tflite",
            "computes in": "int8",
            "mean logit difference": 0.125,
            "NLL before": None,
            "NLL after": 0.5,
            "ECE % before": None,
            "ECE % after": None,
            "operations": "1 ADD, 3 CONV_2D",
        },
    )


def test_the_limits_and_the_licence_of_the_card_are_on_the_page():
    card = {"limits": ["It is small.", "It is young."], "licence": "CC0-1.0"}
    assert files.describe(samples.run_content(card=card)).paragraphs == (
        "What they are not for: It is small. It is young.",
        "Licence of the weights: CC0-1.0.",
    )
    unstated = files.describe(samples.run_content(card={"licence": ""}))
    assert unstated.paragraphs == ("Licence of the weights: not stated.",)
