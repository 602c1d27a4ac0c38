"""A distillation of seconds that holds everything a checkpoint must carry over."""

import keras

from kd_keras import data, distillation, losses, models, training

BATCH_SIZE = 64
SPLITS = data.load("synthetic")
STEPS = data.steps_per_epoch(SPLITS.train, BATCH_SIZE)


def make_network(width, *, seed, dropout=0.0):
    initializers = [keras.initializers.GlorotUniform(seed + i) for i in range(2)]
    image = keras.Input(SPLITS.image_shape, name="image")
    x = keras.layers.Rescaling(1 / 60, -2.0)(image)
    x = keras.layers.Conv2D(width, 3, strides=2, kernel_initializer=initializers[0])(x)
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    x = keras.layers.ReLU()(x)
    if dropout:
        x = keras.layers.Dropout(dropout, seed=seed)(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(
        image, keras.layers.Dense(SPLITS.num_classes, kernel_initializer=initializers[1])(x)
    )


def make_optimizer(epochs, learning_rate=0.05, **arguments):
    schedule = training.EpochSchedule(learning_rate, epochs=epochs, steps_per_epoch=STEPS)
    return training.CoupledSGD(schedule, coupled_weight_decay=1e-3, momentum=0.9, **arguments)


def make_distiller(*, seed=0, epochs=4, learning_rate=0.05, dropout=0.3, width=4, **arguments):
    """A student and a discriminator with dropout, batch normalisation and momentum."""
    discriminator = models.get(
        "discriminator", num_classes=SPLITS.num_classes, depth=1, dropout=0.3, seed=seed
    )
    distiller = distillation.Distiller(
        make_network(width, seed=seed, dropout=dropout),
        make_network(6, seed=7),
        matching=[(losses.LogitL1(), 1.0)],
        adversary=distillation.Adversary(discriminator),
    )
    distiller.compile(
        make_optimizer(epochs, learning_rate, **arguments), make_optimizer(epochs, 1e-2)
    )
    return distiller


def make_batches(first_epoch, first_step=0):
    return data.training_batches(
        SPLITS.train,
        batch_size=BATCH_SIZE,
        augmentation=data.Augmentation.resolve(SPLITS),
        seed=0,
        first_epoch=first_epoch,
        first_step=first_step,
    )


def train(distiller, folder, *, epochs=4, validation=True, callbacks=(), **arguments):
    batches = data.evaluation_batches(SPLITS.validation, batch_size=16)
    return training.train(
        distiller,
        make_batches,
        validation_batches=batches if validation else None,
        epochs=epochs,
        steps_per_epoch=STEPS,
        folder=training.RunFolder(folder),
        callbacks=callbacks,
        **arguments,
    )


def state_of(distiller):
    """Every number that training changes, apart from what it only reports."""
    variables = [*distiller.student.variables, *distiller.adversary.variables]
    variables += distiller.optimizer.variables + distiller.discriminator_optimizer.variables
    return [variable.numpy() for variable in variables]


class Stop(keras.callbacks.Callback):
    """Raises in the middle of an epoch, counted from 1."""

    def __init__(self, epoch, error=KeyboardInterrupt):
        super().__init__()
        self._epoch, self._current, self._error = epoch, 0, error

    def on_epoch_begin(self, epoch, logs=None):
        self._current = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if self._current == self._epoch and batch == 1:
            raise self._error
