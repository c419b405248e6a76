"""The network of Wide ResNet. Imports torch: only a job that is being built loads it."""

from __future__ import annotations

import torch
from torch import nn


class Block(nn.Module):
    """Two 3 x 3 convolutions, each behind its normalization and ReLU, around which the input passes by."""

    def __init__(self, inward: int, outward: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inward)
        self.conv1 = nn.Conv2d(inward, outward, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outward)
        self.conv2 = nn.Conv2d(outward, outward, 3, padding=1, bias=False)
        self.project = nn.Conv2d(inward, outward, 1, stride, bias=False) if inward != outward else None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        active = self.norm1(images).relu()
        passed = images if self.project is None else self.project(active)
        found: torch.Tensor = passed + self.conv2(self.norm2(self.conv1(active)).relu())
        return found


class WideResNet(nn.Module):
    """A stem of 16 channels, three stages that halve the image twice, and a classifier of their mean."""

    def __init__(self, layers: int, widen: int, classes: int) -> None:
        super().__init__()
        widths = [16, *(16 * 2**stage * widen for stage in range(3))]
        blocks: list[nn.Module] = [nn.Conv2d(3, widths[0], 3, padding=1, bias=False)]
        for stage in range(3):
            for number in range((layers - 4) // 6):
                inward = widths[stage] if number == 0 else widths[stage + 1]
                stride = 2 if number == 0 and stage > 0 else 1
                blocks.append(Block(inward, widths[stage + 1], stride))
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(widths[-1])
        self.classifier = nn.Linear(widths[-1], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.norm(self.blocks(images)).relu().mean((2, 3))
        found: torch.Tensor = self.classifier(features)
        return found
