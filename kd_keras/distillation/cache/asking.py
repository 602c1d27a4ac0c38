"""Asking a teacher about whole views, in the order of the split."""

import hashlib

import numpy as np
import tensorflow as tf

from kd_keras import data, models
from kd_keras.distillation.forward import make_forward
from kd_keras.distillation.passes import never_empty

__all__ = ["Respondent"]


class Respondent:
    """The teacher of a request, ready to be asked.

    A question is a pass over the split: a view and the number of the sample. With active dropout
    the masks are a pure function of the request's seed, the pass and the first row of the batch,
    so that a pass which was broken off goes on to the same answers.

    Args:
        request: The `Request`.
    """

    def __init__(self, request):
        self._request = request
        self._random_states = models.active_random_states(request.teacher)
        self._strategy = request.teacher.distribute_strategy
        forward = make_forward(request.teacher, xla=request.xla, trains=False)

        def answer(images):
            return tf.cast(forward(images, training=False)[0], tf.float32)

        # The batch is taken inside, where its length is unknown: one graph for the short ones too.
        answer = never_empty(answer)
        self._ask = tf.function(
            lambda iterator: self._strategy.run(answer, args=(next(iterator),)),
            reduce_retracing=True,
        )

    def answers(self, passes, *, batch_size, first_row=0):
        """Ask about some passes, one after the other.

        Args:
            passes: Pairs of a view and a sample.
            batch_size: Images at once.
            first_row: Where to begin in the first pass.

        Yields:
            Logits, float32, shape (batch, classes); no batch holds images of two passes.
        """
        request = self._request
        batches = data.view_batches(
            request.split,
            batch_size=batch_size,
            augmentation=request.augmentation,
            seed=request.view_seed,
            views=[view for view, _ in passes],
            first_row=first_row,
        )
        iterator = iter(self._strategy.experimental_distribute_dataset(batches))
        given = None
        for question in _questions(passes, len(request.split), batch_size, first_row):
            self._seed(question)
            # What was given before is fetched while a device with a queue works on the next.
            given, before = self._ask(iterator), given
            if before is not None:
                yield self._fetch(before)
        if given is not None:
            yield self._fetch(given)

    def _fetch(self, given):
        parts = self._strategy.experimental_local_results(given)
        return np.concatenate([part.numpy() for part in parts])

    def _seed(self, question):
        for number, state in enumerate(self._random_states):
            text = repr((self._request.view_seed, *question, number))
            words = np.frombuffer(hashlib.sha256(text.encode()).digest(), "<u4", count=2)
            state.assign((words >> 1).astype(np.int64))


def _questions(passes, num_images, batch_size, first_row):
    """Yield the view, the sample and the first row of every batch."""
    for view, sample in passes:
        for row in range(first_row, num_images, batch_size):
            yield view, sample, row
        first_row = 0
