"""The same network and step in PyTorch, timed on request: one line in, one line of seconds out.

It runs in a process of its own, because the threads of two libraries in one process disturb each
other, and may be run by an interpreter that has PyTorch and nothing of this project.
"""

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    """BN-ReLU-conv3x3-BN-ReLU-dropout-conv3x3, as in `kd_keras.models.wide_resnet`."""

    def __init__(self, inputs, filters, stride, dropout):
        super().__init__()
        self.normalization1 = nn.BatchNorm2d(inputs)
        self.convolution1 = nn.Conv2d(inputs, filters, 3, stride, 1, bias=False)
        self.normalization2 = nn.BatchNorm2d(filters)
        self.convolution2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.shortcut = None
        if stride > 1 or inputs != filters:
            self.shortcut = nn.Conv2d(inputs, filters, 1, stride, bias=False)
        self.dropout = dropout

    def forward(self, x):
        activated = F.relu(self.normalization1(x))
        branch = F.relu(self.normalization2(self.convolution1(activated)))
        branch = self.convolution2(F.dropout(branch, self.dropout, self.training))
        return branch + (x if self.shortcut is None else self.shortcut(activated))


class WideResNet(nn.Module):
    """Images of shape (batch, 3, 32, 32) to logits."""

    def __init__(self, depth, width, classes, dropout):
        super().__init__()
        layers, inputs = [nn.Conv2d(3, 16, 3, 1, 1, bias=False)], 16
        for group in range(3):
            for block in range((depth - 4) // 6):
                filters, stride = 16 * width * 2**group, 2 if group and not block else 1
                layers.append(Block(inputs, filters, stride, dropout))
                inputs = filters
        self.layers = nn.Sequential(*layers, nn.BatchNorm2d(inputs), nn.ReLU())
        self.logits = nn.Linear(inputs, classes)

    def forward(self, x):
        return self.logits(self.layers(x).mean((2, 3)).float())


def make_step(precision, compiled, depth, width, batch_size):
    """A function that trains one step on a fixed batch."""
    network = WideResNet(depth, width, 10, 0.3).to(memory_format=torch.channels_last)
    run = torch.compile(network) if compiled else network
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)
    images = torch.randint(0, 256, (batch_size, 3, 32, 32), dtype=torch.uint8)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.randint(0, 10, (batch_size,))

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            logits = run((images.float() - 125.0) / 60.0)
        F.cross_entropy(logits.float(), labels).backward()
        optimizer.step()

    return step


def main(precision, form, depth, width, batch_size):
    step = make_step(precision, form == "compiled", int(depth), int(width), int(batch_size))
    for _ in range(3):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
