"""Starting TensorFlow without the lines it prints about itself."""

import contextlib
import os
import sys
import tempfile

__all__ = ["start_tensorflow"]


def start_tensorflow():
    """Import TensorFlow and Keras, holding back what they write to standard error meanwhile.

    TensorFlow's libraries write about plug-ins and missing GPUs before any setting of theirs is
    read. If the import fails, the lines are shown: they may say why.
    """
    with _held_back_standard_error():
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices()
        del keras


@contextlib.contextmanager
def _held_back_standard_error():
    sys.stderr.flush()
    with tempfile.TemporaryFile() as held:
        original = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:  # Ctrl-C too: what was held back may say why
            os.dup2(original, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
