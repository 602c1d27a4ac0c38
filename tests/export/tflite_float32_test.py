import numpy as np

from kd_keras import export

NAME = "tflite_float32"


def logits_of(model, images):
    return model(images.astype(np.float32)).numpy()


def test_it_gives_the_logits_of_the_network(exported, trained, images):
    predictor = export.load_predictor(exported[NAME])
    assert predictor.precision == "float32"
    np.testing.assert_allclose(predictor.predict(images), logits_of(trained, images), atol=1e-5)


def test_its_weights_are_float32(exported, trained):
    assert exported[NAME].stat().st_size > 4 * trained.count_params() * 0.9
