import keras
import pytest

from kd_keras.export import streams

SHAPE = (4, 4, 3)


def block(x):
    """The sum of a convolution and its own normalised convolution: a stream with a shortcut."""
    y = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    return keras.layers.Add()([x, keras.layers.Conv2D(4, 3, padding="same", name="branch")(y)])


@pytest.fixture
def graph():
    image = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, padding="same", name="stem")(image)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(block(x)))
    x = keras.layers.GlobalAveragePooling2D()(x)
    return streams.Graph(keras.Model(image, keras.layers.Dense(2, name="logits")(x)))


def call_of(graph, name):
    return next(call for call in graph.calls if call.operation.name == name)


def test_a_stream_is_what_sums_connect(graph):
    [stream] = graph.streams()
    assert [member.operation.name for member in stream.members][:2] == ["stem", "branch"]
    assert streams.is_sum(stream.members[2])
    assert [layer.name for layer in stream.sources] == ["stem", "branch"]
    assert len(stream.normalized) == 2
    assert stream.is_closed
    assert not stream.is_tree


def test_the_bias_that_shifts_one_tensor_alone(graph):
    [stream] = graph.streams()
    stem, branch, total = stream.members
    assert stream.free_source(stem).name == "stem"
    assert stream.free_source(branch).name == "branch"
    # The stem is read by its normalisation too.
    assert stream.free_source(total).name == "branch"


def test_a_scale_is_absorbed_by_the_kernels_behind(graph):
    [(_, first), (_, last)] = graph.streams()[0].normalized
    assert [layer.name for layer in graph.absorbers(first.outputs)] == ["branch"]
    assert [layer.name for layer in graph.absorbers(last.outputs)] == ["logits"]
    assert graph.absorbers(call_of(graph, "logits").outputs) == ()


def test_the_networks_output_is_read(graph):
    logits = call_of(graph, "logits").outputs
    assert graph.readers(logits) == [None]
    assert len(graph.readers(call_of(graph, "stem").outputs)) == 2


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.Conv2D(4, 3, activation="relu", padding="same"),
        keras.layers.Conv2D(3, 3, groups=3, padding="same"),
        keras.layers.MaxPooling2D(1),
    ],
)
def test_what_cannot_be_scaled_is_no_source(layer):
    image = keras.Input(SHAPE)
    x = layer(image)
    x = keras.layers.Flatten()(keras.layers.BatchNormalization()(x))
    [stream] = streams.Graph(keras.Model(image, x)).streams()
    assert stream.sources == []
    assert not stream.is_closed


def test_something_else_that_reads_a_stream_is_foreign():
    image = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3)(image)
    y = keras.layers.Flatten()(keras.layers.BatchNormalization()(x))
    both = keras.layers.Concatenate()([y, keras.layers.Flatten()(x)])
    [stream] = streams.Graph(keras.Model(image, both)).streams()
    assert len(stream.foreign) == 1
    assert not stream.is_closed


def test_an_operation_with_several_outputs_is_no_sum_and_no_source():
    image = keras.Input(SHAPE)
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 1)(image))
    parts = [keras.layers.Conv2D(2, 1)(part) for part in keras.ops.split(x, 2, axis=-1)]
    x = keras.layers.Concatenate()(parts)
    graph = streams.Graph(keras.Model(image, keras.layers.GlobalAveragePooling2D()(x)))
    assert not any(streams.is_sum(call) for call in graph.calls)
    assert [len(stream.normalized) for stream in graph.streams()] == [1]


def test_a_sum_that_spreads_a_smaller_tensor_is_none():
    image = keras.Input(SHAPE)
    x = keras.layers.Conv2D(4, 3, padding="same", name="wide")(image)
    small = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    spread = x + small
    model = keras.Model(image, keras.layers.Flatten()(keras.layers.BatchNormalization()(spread)))
    graph = streams.Graph(model)
    assert not any(streams.is_sum(call) for call in graph.calls)
