import keras
import numpy as np

from kd_keras import export
from kd_keras.export import interpreter

NAME = "tflite_dynamic_int8"


def logits_of(model, images):
    return model(images.astype(np.float32)).numpy()


def test_a_large_kernel_is_in_8_bits_and_the_ends_are_floats(images, tmp_path):
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(64, 5)(image)  # 4800 weights; smaller kernels are left as they are
    model = keras.Model(image, keras.layers.Dense(5)(keras.layers.GlobalMaxPooling2D()(x)))
    path = export.write(model, tmp_path, [NAME])[NAME]
    predictor = export.load_predictor(path)
    assert predictor.precision == "int8 weights"
    opened = interpreter.open_interpreter(path)
    assert opened.get_input_details()[0]["dtype"] == np.float32
    logits = logits_of(model, images)
    difference = np.abs(predictor.predict(images) - logits).max()
    assert 0 < difference < 0.05 * np.ptp(logits)


def test_no_images_are_needed(exported):
    assert exported[NAME].is_file()
