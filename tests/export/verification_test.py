import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import export, metrics
from kd_keras.export import verification

LABELS = np.array([0, 1, 2, 3, 4, 0, 1])
TOLERANCES = {"max_logit_difference": 1e-3, "max_error_increase": 0.0}


@pytest.fixture(scope="module")
def path(make_network, tmp_path_factory):
    """Of a faithful file."""
    directory = tmp_path_factory.mktemp("exports")
    return export.write(make_network(), directory, formats=["keras"])["keras"]


def with_bias(network, bias):
    """The same network with something added to its logits: a file of it is no good."""
    altered = keras.models.clone_model(network)
    altered.set_weights(network.get_weights())
    altered.layers[-1].bias.assign_add(bias)
    return altered


def best_labels(network, images):
    return network(images.astype(np.float32)).numpy().argmax(axis=1)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_faithful_file_passes(make_network, images, tmp_path, policy):
    network = make_network(policy=policy)
    for name, path in export.write(network, tmp_path).items():
        verdict = verification.verify(network, path, images, LABELS, **TOLERANCES)
        assert verdict.passed, name
        assert verdict.reasons == ()
        assert verdict.largest_logit_difference < 1e-5
        assert verdict.agreement_percent == 100.0
        assert verdict.error_after_percent == verdict.error_before_percent
        assert (verdict.num_examples, verdict.path) == (7, path)
        assert verdict.size_bytes == export.load_predictor(path).size_bytes


def test_the_figures_are_those_of_the_difference(network, images, tmp_path):
    altered = with_bias(network, [0.0, 0.0, 0.25, 0.0, -0.5])
    path = export.write(altered, tmp_path, formats=["keras"])["keras"]
    verdict = verification.verify(
        network, path, images, LABELS, max_logit_difference=1.0, max_error_increase=100.0
    )
    before, after = (
        model(images.astype(np.float32)).numpy().argmax(axis=1) for model in (network, altered)
    )
    assert verdict.largest_logit_difference == pytest.approx(0.5, abs=1e-5)
    assert verdict.mean_logit_difference == pytest.approx(0.15, abs=1e-5)
    assert verdict.agreement_percent == pytest.approx(100 * np.mean(before == after))
    assert verdict.error_before_percent == pytest.approx(100 * np.mean(before != LABELS))
    assert verdict.error_after_percent == pytest.approx(100 * np.mean(after != LABELS))
    assert verdict.passed


def test_an_altered_file_fails_with_its_reasons(network, images, tmp_path):
    labels = best_labels(network, images)
    wrong = (labels[0] + 1) % 5
    altered = with_bias(network, 100 * np.eye(5)[wrong])
    largest = np.abs(network(images.astype(np.float32))).max()
    assert largest > 1
    for path in export.write(altered, tmp_path).values():
        verdict = verification.verify(network, path, images, labels, **TOLERANCES)
        assert not verdict.passed
        allowed = f"{1e-3 * largest:.3g}"
        assert verdict.reasons[0] == (
            f"A logit differs from the model's by 100. Allowed: {allowed}."
        )
        assert "percentage points above the model's. Allowed: 0.00." in verdict.reasons[1]
        assert verdict.error_before_percent == 0.0


def test_each_tolerance_is_kept_on_its_own(network, images, tmp_path):
    labels = best_labels(network, images)
    altered = with_bias(network, 100 * np.eye(5)[(labels[0] + 1) % 5])
    path = export.write(altered, tmp_path, formats=["keras"])["keras"]
    loose = {"max_logit_difference": 1000.0, "max_error_increase": 100.0}
    for tight, word in (("max_logit_difference", "differs"), ("max_error_increase", "error of")):
        verdict = verification.verify(network, path, images, labels, **loose | {tight: 0.0})
        assert len(verdict.reasons) == 1
        assert word in verdict.reasons[0]


def test_weights_damaged_in_the_file_fail(network, images, tmp_path):
    path = export.write(network, tmp_path, formats=["tflite_float32"])["tflite_float32"]
    content = bytearray(path.read_bytes())
    kernel = network.layers[-1].kernel.numpy().T.tobytes()
    assert content.count(kernel) == 1
    content[content.index(kernel) + 2] ^= 0x7F
    path.write_bytes(bytes(content))
    assert not verification.verify(network, path, images, LABELS, **TOLERANCES).passed


def test_numbers_that_are_not_finite_fail(network, images, tmp_path):
    altered = with_bias(network, [np.nan, 0, 0, 0, 0])
    path = export.write(altered, tmp_path, formats=["keras"])["keras"]
    verdict = verification.verify(network, path, images, LABELS, **TOLERANCES)
    assert verdict.reasons == ("It gives numbers that are not finite for 7 of 7 images.",)
    assert verdict.error_after_percent is None


def test_a_file_that_cannot_be_read_fails(network, images, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(b"nothing")
    verdict = verification.verify(network, path, images, LABELS, **TOLERANCES)
    assert verdict.reasons[0].startswith(f"Cannot read the model at {path}.")
    assert (verdict.kind, verdict.size_bytes) == ("tflite", 7)


def test_foreign_operations_fail(images, tmp_path):
    filters = tf.ones((3, 3, 3))
    layer = keras.layers.Lambda(
        lambda x: tf.nn.dilation2d(x, filters, [1] * 4, "SAME", "NHWC", [1] * 4)
    )
    image = keras.Input((8, 8, 3), name="image")
    x = keras.layers.GlobalAveragePooling2D()(layer(image))
    model = keras.Model(image, keras.layers.Dense(5)(x))
    saved = export.write(model, tmp_path, formats=["saved_model"])["saved_model"]
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(saved), signature_keys=["serving_default"]
    )
    converter.target_spec.supported_ops = [
        tf.lite.OpsSet.TFLITE_BUILTINS,
        tf.lite.OpsSet.SELECT_TF_OPS,
    ]
    (tmp_path / "flex.tflite").write_bytes(converter.convert())
    verdict = verification.verify(model, tmp_path / "flex.tflite", images, LABELS, **TOLERANCES)
    assert "FlexDilation2D" in verdict.reasons[0]


def test_images_are_standardized_for_a_file_without_preprocessing(network, images, tmp_path):
    for path in export.write(network, tmp_path, include_preprocessing=False).values():
        verdict = verification.verify(network, path, images, LABELS, **TOLERANCES)
        assert verdict.passed
        plain = verification.verify(
            network, path, images, LABELS, **TOLERANCES, include_preprocessing=True
        )
        assert not plain.passed


def test_images_can_be_a_split_a_sequence_or_a_function(network, images, path):

    class Rows:
        """As `data.Split` is."""

        def __len__(self):
            return len(images)

        def images_at(self, indices):
            return images[np.asarray(indices)]

    def batches():
        yield images[:4]
        yield images[4:]

    reference = verification.verify(network, path, images, LABELS, **TOLERANCES)
    for form in (list(images), Rows(), batches):
        assert (
            verification.verify(network, path, form, LABELS, **TOLERANCES, batch_size=3)
            == reference
        )


def test_all_images_are_run_in_batches(network, images, path, monkeypatch):
    seen = []
    predictor = export.load_predictor(path)

    def predict(batch):
        seen.append(len(batch))
        return predictor.predict(batch)

    fake = types.SimpleNamespace(
        predict=predict, check=predictor.check, precision="float32", operations={}
    )
    monkeypatch.setattr(verification, "load_predictor", lambda path: fake)
    verification.verify(network, path, images, LABELS, **TOLERANCES, batch_size=3)
    assert seen == [3, 3, 1]


def test_another_network_fails(network, images, tmp_path):
    image = keras.Input((8, 8, 3))
    small = keras.Model(image, keras.layers.Dense(3)(keras.layers.Flatten()(image)))
    path = export.write(small, tmp_path, formats=["keras"])["keras"]
    verdict = verification.verify(network, path, images, LABELS, **TOLERANCES)
    assert "number of classes. Received: model 3, data 5." in verdict.reasons[0]


def test_a_file_in_fewer_bits_has_to_keep_its_error_alone(exported, trained, calibration):
    labels = best_labels(trained, calibration)
    strict = {"max_logit_difference": 0.0, "max_error_increase": 100.0}
    for name, precision in (
        ("keras_float16", "float16 weights"),
        ("tflite_float16", "float16 weights"),
        ("tflite_int8", "int8"),
        ("tflite_int16x8", "int16x8"),
    ):
        verdict = verification.verify(trained, exported[name], calibration, labels, **strict)
        assert verdict.passed
        assert verdict.precision == precision
        assert verdict.largest_logit_difference > 0
        assert (verdict.max_logit_difference, verdict.max_error_increase) == (None, 100.0)
    exact = verification.verify(trained, exported["tflite_float32"], calibration, labels, **strict)
    assert exact.max_logit_difference == 0.0


def test_what_is_allowed_grows_with_the_logits(network, images, tmp_path):
    altered = keras.models.clone_model(network)
    altered.set_weights(network.get_weights())
    altered.layers[-1].bias.assign([0.0, 0.0, 1e4, 0.0, 0.0])
    path = export.write(with_bias(altered, [0.0, 0.0, 1.0, 0.0, 0.0]), tmp_path, ["keras"])
    for share, passes in ((1.2e-4, True), (0.8e-4, False)):
        limits = {"max_logit_difference": share, "max_error_increase": 0.0}
        verdict = verification.verify(altered, path["keras"], images, LABELS, **limits)
        assert verdict.passed == passes
        assert verdict.max_logit_difference == pytest.approx(share * 1e4, rel=0.01)


def test_of_equal_logits_the_first_is_chosen_as_on_a_device(network, images, tmp_path):
    altered = keras.models.clone_model(network)
    altered.set_weights(network.get_weights())
    head = altered.layers[-1]
    # Classes 1 and 2 always tie for the highest logit.
    head.kernel.assign(np.zeros(head.kernel.shape))
    head.bias.assign([0.0, 1.0, 1.0, 0.0, 0.0])
    path = export.write(altered, tmp_path, formats=["keras"])["keras"]
    verdict = verification.verify(
        network, path, images, LABELS, max_logit_difference=1e9, max_error_increase=100.0
    )
    assert verdict.tied_percent == 100.0
    assert verdict.error_after_percent == pytest.approx(100 * np.mean(LABELS != 1))
    chosen = network(images.astype(np.float32)).numpy().argmax(axis=1)
    assert verdict.agreement_percent == pytest.approx(100 * np.mean(chosen == 1))


def test_likelihood_calibration_and_operations_are_told(network, images, tmp_path):
    altered = with_bias(network, [0.0, 0.0, 0.25, 0.0, -0.5])
    path = export.write(altered, tmp_path, formats=["tflite_float32"])["tflite_float32"]
    verdict = verification.verify(
        network, path, images, LABELS, max_logit_difference=1.0, max_error_increase=100.0
    )
    for model, when in ((network, "before"), (altered, "after")):
        logits = model(images.astype(np.float32)).numpy().astype(np.float64)
        log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        expected = -log_probabilities[np.arange(7), LABELS].mean()
        received = getattr(verdict, f"negative_log_likelihood_{when}_nats")
        assert received == pytest.approx(expected, abs=1e-5)
        calibration_error = getattr(verdict, f"expected_calibration_error_{when}_percent")
        assert calibration_error == pytest.approx(
            metrics.expected_calibration_error(logits, LABELS), abs=1e-3
        )
    assert verdict.operations["CONV_2D"] == 4


def test_images_and_labels_must_be_as_many(network, images, path, tmp_path):
    with pytest.raises(ValueError, match=r"disagree in number. Received: 7 images, 3 labels"):
        verification.verify(network, path, images, LABELS[:3], **TOLERANCES)
    with pytest.raises(FileNotFoundError, match=r"No model at"):
        verification.verify(network, tmp_path / "none", images, LABELS, **TOLERANCES)
