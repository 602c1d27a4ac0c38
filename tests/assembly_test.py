import keras
import pytest

from kd_keras import assembly, config, data


def _configure(**sections):
    return config.from_dictionary({"data": {"dataset": "synthetic"}, **sections})


def test_options_of_a_network_reach_it():
    made = _configure(
        student={"network": "resnet", "depth": 8, "width": 2, "option": ["shortcut=convolution"]},
        teacher={"network": "applications/MobileNetV2", "option": ["alpha=0.35"]},
    )
    assert assembly.network_arguments(made.student) == {
        "depth": 8,
        "width": 2,
        "shortcut": "convolution",
    }
    assert assembly.network_arguments(made.teacher) == {"alpha": 0.35}
    student = assembly.build_network(made.student, data.load("synthetic"), seed=0)
    assert student.get_layer("group1_block1_shortcut").filters == 32


def test_a_network_of_a_runs_folder_is_trained_in_the_precision_of_the_run(tmp_path):
    splits = data.load("synthetic")
    image = keras.Input(splits.image_shape)
    x = keras.layers.Conv2D(2, 3, name="convolution")(image)
    logits = keras.layers.Dense(splits.num_classes, name="logits")(keras.layers.Flatten()(x))
    keras.Model(image, logits).save(tmp_path / "student.keras")
    section = _configure(student={"path": str(tmp_path)}).student
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        student = assembly.build_network(section, splits, seed=0)
    finally:
        keras.config.set_dtype_policy("float32")
    assert student.get_layer("convolution").compute_dtype == "bfloat16"
    assert student.get_layer("logits").compute_dtype == "float32"


def test_a_student_may_have_binary_weights():
    made = _configure(student={"network": "vgg", "depth": 8, "width": 1, "binary_weights": True})
    student = assembly.build_network(made.student, data.load("synthetic"), seed=0)
    kinds = [type(x).__name__ for x in student.layers if isinstance(x, keras.layers.Conv2D)]
    assert kinds[0] == "Conv2D"
    assert set(kinds[1:]) == {"BinaryConv2D"}


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            {"network": "resnet", "depth": 8, "dropout": 0.1},
            r"^resnet has no dropout to choose\. Expected the default, 0\.3, which it leaves "
            r"alone or 0\. Received: 0\.1\.$",
        ),
        (
            {"network": "applications/VGG16", "depth": 16},
            r"^applications/VGG16 has no depth to choose\. Expected the default, 10,",
        ),
        (
            {"network": "vgg", "depth": 8, "option": ["stm=large"]},
            r"^Unknown option of vgg\. Expected one of stem\. Received: stm\. Did you mean stem\?$",
        ),
        ({"network": "vgg", "depth": 8, "option": ["depth=11"]}, "Unknown option of vgg"),
        (
            {"network": "res_next", "depth": 11, "option": ["cardinality=many"]},
            r"^Invalid value for res_next\.cardinality\. Expected a whole number\.",
        ),
    ],
)
def test_what_a_network_does_not_take_is_refused(section, message):
    with pytest.raises(ValueError, match=message):
        assembly.network_arguments(_configure(student=section).student)


def test_no_dropout_is_true_of_a_network_without_it():
    section = {"network": "resnet", "depth": 8, "dropout": 0.0}
    given = assembly.network_arguments(_configure(student=section).student)
    assert (given["depth"], "dropout" in given) == (8, False)
