"""Classify a picture on a Raspberry Pi, with LiteRT and NumPy alone.

    pip install ai-edge-litert numpy
    rpicam-still --nopreview --width 32 --height 32 --encoding rgb --output picture.rgb
    python raspberry_pi.py tflite_uint8.tflite picture.rgb

The picture holds the bytes red, green, blue of its pixels, row by row, without a header; width
and height are those that the file takes. Any `.tflite` file of this project will do that takes
pixels from 0 to 255; of one without class names, the numbers of the classes are told.
"""

import sys
import zipfile

import numpy as np
from ai_edge_litert.interpreter import Interpreter

model_path, picture_path = sys.argv[1:]
serve = Interpreter(model_path, num_threads=2).get_signature_runner("serving_default")
[image], [logits] = serve.get_input_details().values(), serve.get_output_details().values()

pixels = np.fromfile(picture_path, np.uint8).reshape(1, *image["shape_signature"][1:])
scale, zero = image["quantization"]
if scale:  # a file in whole numbers
    limits = np.iinfo(image["dtype"])
    pixels = np.clip(np.rint(pixels / scale) + zero, limits.min, limits.max)
outputs = serve(image=pixels.astype(image["dtype"]))["logits"][0].astype(np.float64)
scale, zero = logits["quantization"]
outputs = scale * (outputs - zero) if scale else outputs

probabilities = np.exp(outputs - outputs.max())
probabilities /= probabilities.sum()
with zipfile.ZipFile(model_path) as archive:
    named = "labels.txt" in archive.namelist()
    names = archive.read("labels.txt").decode().splitlines() if named else range(len(outputs))
for index in np.argsort(-probabilities)[:3]:
    print(f"{names[index]}: {probabilities[index]:.3f}")
