"""The data set behind the loader. Imports torch: only a job that is being built loads it."""

from __future__ import annotations

import ctypes
import io
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle, islice
from typing import Any

import numpy as np
import torch
from PIL import Image

from harness.data import images, text

#: A step from what is stored to what a model takes; with a name, so that a slow one can be named.
Transform = tuple[str, Callable[[Any], Any]]
Sample = dict[str, torch.Tensor]

#: The vocabulary of the tokenizer, and the characters of a text.
VOCABULARY, CHARACTERS = 2048, 2000
#: Of prctl(2): the signal that a process gets when its parent ends.
PR_SET_PDEATHSIG = 1


class Samples(torch.utils.data.Dataset[Sample]):
    """Files in memory as they lie on a disk, transformed each time one is asked for."""

    def __init__(self, files: Sequence[Any], labels: np.ndarray, transforms: Sequence[Transform]) -> None:
        self.files, self.labels, self.transforms = files, labels, transforms

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        value = self.files[index]
        for _, transform in self.transforms:
            value = transform(value)
        return {"values": value, "labels": torch.tensor(int(self.labels[index]))}


class Kept(torch.utils.data.Dataset[Sample]):
    """The samples of another data set, each transformed once and kept in memory."""

    def __init__(self, source: Samples) -> None:
        self.samples = [source[index] for index in range(len(source))]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def samples(parameters: Mapping[str, Any], seed: int, on_device: bool) -> Samples:
    """The data set; `on_device` leaves to the device, batch by batch, what comes after decoding."""
    count, side = parameters["samples"], parameters["file"]
    planted: list[Transform] = []
    if parameters["transform_ms"]:
        planted = [("planted", lambda value: _slowly(value, parameters["transform_ms"] / 1e3))]
    if parameters["data"] == "text":
        transforms = [("tokenize", _tokenizing(parameters["length"]))]
        return Samples(texts(count), np.zeros(count, np.int64), [*transforms, *planted])
    files, labels = images.jpegs(count, side, seed)
    rest: list[Transform] = [
        ("resize", lambda picture: _resized(picture, parameters["resolution"])),
        ("normalize", _normalized),
    ]
    return Samples(files, labels, [("decode", _decoded), *([("raw", _raw)] if on_device else rest), *planted])


def texts(count: int) -> list[str]:
    """Pieces of the help topics; beyond their end they come round again."""
    whole = "\n".join(text.topics().values())
    pieces = [whole[start : start + CHARACTERS] for start in range(0, len(whole) - CHARACTERS, CHARACTERS)]
    return list(islice(cycle(pieces), count))


def _tokenizing(length: int) -> Callable[[str], torch.Tensor]:
    tokenizer = text.tokenizer(VOCABULARY)
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length, pad_id=text.PAD)
    return lambda words: torch.tensor(tokenizer.encode(words).ids)


def _slowly(value: Any, seconds: float) -> Any:
    time.sleep(seconds)
    return value


def _decoded(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file)).convert("RGB")


def _resized(picture: Image.Image, side: int) -> Image.Image:
    return picture.resize((side, side), Image.Resampling.BILINEAR)


def _raw(picture: Image.Image) -> torch.Tensor:
    """[height, width, 3] uint8: a quarter of the bytes to move that floats would be."""
    return torch.from_numpy(np.array(picture))


def _normalized(picture: Image.Image) -> torch.Tensor:
    """[3, side, side] float32 in -1 to 1."""
    pixels = np.asarray(picture, np.float32).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(pixels)) / 127.5 - 1


def preprocessed(values: torch.Tensor, side: int) -> torch.Tensor:
    """A batch of `_raw` as `_resized` and `_normalized` would make it, where it is.

    Without the rounding to whole values between the two, which moves a pixel by up to 1/255.
    """
    pixels = values.permute(0, 3, 1, 2).float()
    small = torch.nn.functional.interpolate(
        pixels, (side, side), mode="bilinear", antialias=True, align_corners=False
    )
    return small / 127.5 - 1


def end_with_parent(_worker: int) -> None:
    """A loader's worker is killed by the kernel as soon as its parent is gone, however that ended.

    torch's own watch takes up to 5 s, in which the child would keep the parent's pipe to the runner open.
    """
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
