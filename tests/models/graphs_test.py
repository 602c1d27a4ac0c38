import keras
import numpy as np

from kd_keras.models import graphs


def network():
    image = keras.Input((3,), name="image")
    inner_input = keras.Input((3,))
    inner = keras.Model(inner_input, keras.layers.Dense(3, name="a")(inner_input), name="inner")
    shared = keras.layers.Dense(3, name="b")
    return keras.Model(image, shared(shared(inner(image))) + 1.0)


def test_rebuild_shares_the_layers_by_default():
    model = network()
    copy = graphs.rebuild(model)
    assert [id(v) for v in copy.weights] == [id(v) for v in model.weights]
    np.testing.assert_array_equal(copy(np.ones((1, 3))), model(np.ones((1, 3))))


def test_rebuild_is_not_compiled():
    model = network()
    model.compile("adam", "mse")
    assert not graphs.rebuild(model).compiled


def test_rebuild_records_each_call():
    calls = []
    copy = graphs.rebuild(network(), calls=calls)
    assert [call.operation.name for call in calls[:3]] == ["inner", "b", "b"]
    assert graphs.producer(calls, copy.output) is calls[-1]
    assert graphs.producer(calls, copy.input) is None


def test_rebuild_can_change_the_inputs_and_the_calls():
    model = keras.Sequential([keras.Input((3,), name="image"), keras.layers.Dense(2, name="head")])
    copy = graphs.rebuild(
        model,
        call=lambda operation, inputs: 2.0 * operation(inputs),
        input_dtype=lambda dtype: "float16",
    )
    assert copy.inputs[0].dtype == "float16"
    assert copy.inputs[0].name == "image"
    np.testing.assert_array_equal(copy(np.ones((1, 3))), 2.0 * model(np.ones((1, 3))))


def test_layer_names_reach_into_models():
    assert graphs.layer_names(network())[:3] == ["inner", "inner/a", "b"]


def test_tensors_that_are_given_by_keyword_are_read():
    image = keras.Input((4, 3), name="image")
    first, second = keras.layers.Dense(3)(image), keras.layers.Dense(3)(inputs=image)
    both = keras.layers.Concatenate()(inputs=[first, second])
    both = keras.layers.MultiHeadAttention(1, 2)(first, value=both)
    calls = []
    copy = graphs.rebuild(keras.Model(image, both), calls=calls)
    read = {type(call.operation).__name__: graphs.inputs_of(call) for call in calls}
    one, other = [call for call in calls if type(call.operation).__name__ == "Dense"]
    assert {id(x) for x in read["Concatenate"]} == {id(one.outputs), id(other.outputs)}
    readers = graphs.find_readers(calls, copy.outputs)
    assert len(readers[id(copy.inputs[0])]) == 2
    names = sorted(
        type(reader.operation).__name__ if reader else "output"
        for call in calls
        for reader in readers[id(call.outputs)]
    )
    assert names == [*["Concatenate"] * 2, *["MultiHeadAttention"] * 2, "output"]
