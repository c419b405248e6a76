"""Real images: the 1797 handwritten digits that scikit-learn brings along; and JPEGs made from a seed."""

from __future__ import annotations

import importlib.util
import io
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import Unsupported

if TYPE_CHECKING:
    import numpy as np
    import torch

CLASSES = 10
KINDS = ("digits", "jpeg")
#: Of the 1797 digits, those to train on; the others are the test.
TRAINED = 1437


@cache
def scans() -> tuple[np.ndarray, np.ndarray]:
    """[1797, 8, 8] float32 in 0 to 1, and [1797] int64: which digit each is.

    The package's data file is read without importing it, which would cost every launch half a second.
    Raises Unsupported where scikit-learn is not installed.
    """
    import numpy as np

    table = np.loadtxt(_digits_file(), delimiter=",", dtype=np.float32)
    return table[:, :-1].reshape(-1, 8, 8) / 16, table[:, -1].astype(np.int64)


def _digits_file() -> Path:
    found = importlib.util.find_spec("sklearn")
    for folder in (found and found.submodule_search_locations) or ():
        return Path(folder, "datasets", "data", "digits.csv.gz")
    raise Unsupported("needs scikit-learn for its digits: pip install scikit-learn")


def digits(count: int, resolution: int, seed: int, channels: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """[count, channels, resolution, resolution] float32 in -1 to 1, and [count] int64, in an order of `seed`.

    Beyond 1797 the digits come round again.
    """
    import numpy as np

    images, labels = scans()
    chosen = np.resize(np.random.default_rng(seed).permutation(len(images)), count)
    return scaled(images[chosen], resolution, channels), _tensor(labels[chosen])


def split(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Which digits are for training (1437) and which for the test (360); the same split for every launch."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(len(scans()[0]))
    return order[:TRAINED], order[TRAINED:]


def scaled(images: np.ndarray, resolution: int, channels: int) -> torch.Tensor:
    """[n, h, w] in 0 to 1, smoothly scaled up, as [n, channels, resolution, resolution] in -1 to 1."""
    import torch

    small = _tensor(images)[:, None] * 2 - 1
    large = torch.nn.functional.interpolate(
        small, (resolution, resolution), mode="bilinear", align_corners=False
    )
    return large.expand(-1, channels, -1, -1).contiguous()


def jpegs(count: int, resolution: int, seed: int) -> tuple[list[bytes], np.ndarray]:
    """JPEG files, some 0.1 to 0.3 bytes per pixel and value as photographs have, and [count] int64 labels.

    Clouds of colour over stripes, whose number is the label. Raises Unsupported where pillow is missing.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    return [_jpeg(resolution, int(label), rng) for label in labels], labels


def _jpeg(resolution: int, label: int, rng: np.random.Generator) -> bytes:
    import numpy as np

    image = _pillow()
    coarse = image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    clouds = np.asarray(coarse.resize((resolution, resolution), image.Resampling.BICUBIC), np.float32)
    stripes = 32 * np.sin(np.arange(resolution) * (2 * np.pi * (label + 1) / resolution))
    grain = rng.normal(0, 6, clouds.shape)
    pixels = np.clip(clouds + stripes[None, :, None] + grain, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def decoded(files: list[bytes], resolution: int) -> torch.Tensor:
    """[n, 3, resolution, resolution] float32 in -1 to 1."""
    import numpy as np

    image = _pillow()
    pictures = [
        image.open(io.BytesIO(file)).convert("RGB").resize((resolution, resolution)) for file in files
    ]
    pixels = np.stack([np.asarray(picture, np.float32) for picture in pictures]).transpose(0, 3, 1, 2)
    return _tensor(np.ascontiguousarray(pixels / 127.5 - 1))


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise Unsupported("needs pillow for JPEGs: pip install pillow") from None
    return Image


def _tensor(values: np.ndarray) -> torch.Tensor:
    import torch

    return torch.from_numpy(values)
