import keras
import numpy as np
import pytest

from kd_keras import data, distillation, export, judging, models, subjects, training


@pytest.fixture(scope="module")
def splits():
    return data.load("synthetic")


@pytest.fixture(scope="module")
def folder(splits, tmp_path_factory):
    """A network that standardises by other numbers than the data's, and its file without that."""
    keras.utils.set_random_seed(0)
    image = keras.Input(splits.image_shape, name="image")
    x = keras.layers.Normalization(mean=[90.0] * 3, variance=[400.0] * 3, name="standardization")(
        image
    )
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(splits.num_classes, name="logits")(x))
    folder = tmp_path_factory.mktemp("judged")
    model.save(folder / "student.keras")
    metadata = {"standardization": export.describe_standardization(model)}
    export.write(model, folder, ("tflite_float32",), include_preprocessing=False, metadata=metadata)
    return folder


def evaluate(path, splits, teacher_path=None):
    return judging.evaluate_file(subjects.Subject(path, None, teacher_path), splits, "test")


def softened(splits):
    """A network with an operation of which it is not known how much it multiplies."""
    image = keras.Input(splits.image_shape, name="image")
    x = keras.layers.Flatten()(keras.ops.svd(image, compute_uv=False))
    return keras.Model(image, keras.layers.Dense(splits.num_classes, name="logits")(x))


def test_ties_are_settled_as_verification_and_prediction_do(splits, tmp_path):
    image = keras.Input(splits.image_shape, name="image")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(image))
    dense = keras.layers.Dense(splits.num_classes, name="logits")
    model = keras.Model(image, dense(x))
    dense.set_weights([np.ones((3, splits.num_classes)), np.zeros(splits.num_classes)])
    path = export.write(
        model, tmp_path, ["tflite_int8"], representative_images=splits.train.draw_images(20, 0)
    )["tflite_int8"]
    test = splits.test
    verdict = export.verify(
        model, path, test, test.labels, max_logit_difference=1.0, max_error_increase=100.0
    )
    assert verdict.tied_percent == 100.0
    logits = export.load_predictor(path).predict(test.images_at(range(len(test))))
    chosen = np.argsort(-logits, kind="stable")[:, 0]
    figures = evaluate(path, splits)
    assert figures["top1_error_percent"] == pytest.approx(100 * np.mean(chosen != test.labels))
    assert figures["top1_error_percent"] == verdict.error_after_percent < 100.0


def test_multiply_adds_that_leave_some_out_are_not_told(splits, tmp_path, capsys):
    network = softened(splits)
    outcome = training.Outcome([{}], 1, network.get_weights(), 0.0)
    folder = training.RunFolder(tmp_path)
    judging.finish(splits, distillation.Distiller(network), outcome, folder, "student")
    sentence = "  multiply-adds: not told, for those of Svd are not known\n"
    said = capsys.readouterr().out
    assert sentence in said
    assert folder.read_metrics(names=("multiply_adds",))["multiply_adds"] is None
    figures = evaluate(tmp_path / "student.keras", splits)
    assert figures["multiply_adds"] is None
    assert figures["parameters"] == network.count_params()
    assert sentence in capsys.readouterr().out
    assert judging.print_finished(folder) == 0


def test_what_was_trained_on_several_devices_is_saved_as_any_other(splits, tmp_path):
    image = keras.Input(splits.image_shape, name="image")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.BatchNormalization(name="bn")(image))
    network = keras.Model(image, keras.layers.Dense(splits.num_classes)(x))
    distiller = distillation.Distiller(network)
    distillation.synchronize_batch_normalization(network)
    outcome = training.Outcome([{}], 1, network.get_weights(), 0.0)
    judging.finish(splits, distiller, outcome, training.RunFolder(tmp_path), "student")
    for name in ("student", "student_last"):
        saved = keras.models.load_model(tmp_path / f"{name}.keras")
        assert saved.get_layer("bn").synchronized is False


def test_a_file_without_preprocessing_is_given_what_its_own_layer_would_make(folder, splits):
    before = evaluate(folder / "student.keras", splits)
    after = evaluate(folder / "tflite_float32.tflite", splits)
    loss = "negative_log_likelihood_nats"
    assert after[loss] == pytest.approx(before[loss], rel=1e-4)


def test_a_teacher_is_judged_in_float32_whatever_it_taught_in(splits, tmp_path):
    keras.utils.set_random_seed(0)
    image = keras.Input(splits.image_shape, name="image")
    x = keras.layers.Dense(8)(keras.layers.GlobalAveragePooling2D()(image))
    network = keras.Model(image, keras.layers.Dense(splits.num_classes)(x))
    teacher = models.to_policy(network, "mixed_bfloat16")
    images = splits.test.images_at(range(8)).astype(np.float32)
    assert np.abs(teacher(images).numpy() - network(images).numpy()).max() > 0
    outcome = training.Outcome([{}], 1, network.get_weights(), 0.0)
    folder = training.RunFolder(tmp_path)
    distiller = distillation.Distiller(network)
    judging.finish(splits, distiller, outcome, folder, "student", teacher=teacher)
    assert folder.read_metrics()["best"]["divergence_from_teacher_nats"] == 0.0


def test_a_teacher_that_is_not_there_is_said_and_done_without(folder, splits, capsys):
    path = folder / "student.keras"
    beside = evaluate(path, splits, teacher_path=path)
    assert beside["agreement_with_teacher_percent"] == 100.0
    assert "missing" not in capsys.readouterr().out
    lost = folder / "lost.keras"
    alone = evaluate(path, splits, teacher_path=lost)
    assert "agreement_with_teacher_percent" not in alone
    np.testing.assert_equal(alone, {name: beside[name] for name in alone})
    assert capsys.readouterr().out.startswith(
        f"  missing: The teacher is not there any more: {lost}. Tell its place with "
        "--teacher_path.\n"
    )


def test_the_work_of_a_network_of_any_image_size_is_counted_for_these_images(
    splits, tmp_path, capsys
):
    image = keras.Input((None, None, 3), name="image")
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(image))
    keras.Model(image, keras.layers.Dense(splits.num_classes)(x)).save(tmp_path / "free.keras")
    figures = evaluate(tmp_path / "free.keras", splits)
    assert figures["multiply_adds"] == 6 * 6 * 2 * 27 + 2 * 4
    assert "not told" not in capsys.readouterr().out
