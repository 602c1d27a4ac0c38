import json
import pathlib

from kd_keras.export.latency import Latency
from kd_keras.export.verdict import Verdict


def test_a_verdict_is_plain_json():
    verdict = Verdict(
        kind="tflite",
        path=pathlib.Path("exports/student.tflite"),
        size_bytes=7,
        num_examples=3,
        error_before_percent=1.0,
        operations={"ADD": 2},
        latencies=(Latency(1, 0.25, 0.5, 100),),
        reasons=("No.",),
    )
    assert not verdict.passed
    dictionary = json.loads(json.dumps(verdict.to_dictionary()))
    assert dictionary["path"] == "exports/student.tflite"
    assert dictionary["passed"] is False
    assert dictionary["reasons"] == ["No."]
    assert dictionary["operations"] == {"ADD": 2}
    assert dictionary["latencies"] == [
        {
            "num_threads": 1,
            "median_milliseconds": 0.25,
            "percentile95_milliseconds": 0.5,
            "repeats": 100,
            "batch": 1,
        }
    ]
    assert dictionary["error_after_percent"] is None
