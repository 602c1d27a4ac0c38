"""RepDistiller's wide residual network in PyTorch: the same parts under the same names."""

import torch
from torch import nn
from torch.nn import functional

__all__ = ["WideResNet"]


class _Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.convShortcut = None
        if inputs != outputs:
            self.convShortcut = nn.Conv2d(inputs, outputs, 1, stride, 0, bias=False)

    def forward(self, x):
        activated = functional.relu(self.bn1(x))
        branch = self.conv2(functional.relu(self.bn2(self.conv1(activated))))
        return branch + (x if self.convShortcut is None else self.convShortcut(activated))


class _Group(nn.Module):
    def __init__(self, blocks, inputs, outputs, stride):
        super().__init__()
        made = [
            _Block(inputs if i == 0 else outputs, outputs, stride if i == 0 else 1)
            for i in range(blocks)
        ]
        self.layer = nn.Sequential(*made)

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    """From standardised images, channels first, to logits."""

    def __init__(self, depth, width, classes):
        super().__init__()
        blocks, channels = (depth - 4) // 6, [16, 16 * width, 32 * width, 64 * width]
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.block1 = _Group(blocks, channels[0], channels[1], 1)
        self.block2 = _Group(blocks, channels[1], channels[2], 2)
        self.block3 = _Group(blocks, channels[2], channels[3], 2)
        self.bn1 = nn.BatchNorm2d(channels[3])
        self.fc = nn.Linear(channels[3], classes)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        x = functional.relu(self.bn1(x))
        return self.fc(functional.avg_pool2d(x, 8).flatten(1))

    @staticmethod
    def standardize(pixels):
        """As its loader of CIFAR-100 does, from pixels up to 255 with the channels last."""
        mean = torch.tensor([0.5071, 0.4867, 0.4408])
        deviation = torch.tensor([0.2675, 0.2565, 0.2761])
        return ((pixels / 255 - mean) / deviation).permute(0, 3, 1, 2)
