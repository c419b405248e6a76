"""Real text: the help topics of CPython (pydoc_data.topics), some 460 KB of English, as token ids.

Every Python brings them, so nothing is downloaded. The topics differ a little between Python versions and
so do the tokens; that moves no step time, whose shapes stay the same, but losses of runs under different
Pythons are not comparable. The tokenizer is a byte-level BPE trained on the same text at first use.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.data._cache import cached
from harness.errors import Unsupported

if TYPE_CHECKING:
    import numpy as np

SPECIAL = ("<|pad|>", "<|endoftext|>", "<|cls|>")
PAD, END, CLS = range(3)

#: The text yields no more merges than this, whatever the vocabulary of a model.
LARGEST = 8192
#: Part of the cache's key: raise it when the way tokens are made changes.
FORMAT = 1


@dataclass(frozen=True)
class Tokens:
    """The corpus as token ids, topic after topic."""

    ids: np.ndarray
    """[all tokens] int32"""
    ends: np.ndarray
    """[topics] int64: where each topic's tokens end in `ids`."""
    tokenizer: str
    """The tokenizer as JSON, for ``tokenizers.Tokenizer.from_str``."""

    def topics(self, count: int) -> list[np.ndarray]:
        """The tokens of the `count` longest topics, longest first."""
        import numpy as np

        return sorted(np.split(self.ids, self.ends[:-1]), key=len, reverse=True)[:count]


@cache
def topics() -> dict[str, str]:
    """The help topics by name. Raises Unsupported for a Python that was packaged without them."""
    try:
        from pydoc_data.topics import topics as found
    except ImportError:
        raise Unsupported("this Python lacks pydoc_data.topics: use one from python.org or uv") from None
    return dict(sorted(found.items()))


@cache
def tokens(vocabulary: int) -> Tokens:
    """The corpus in a vocabulary of at most `vocabulary` tokens, from the user's cache once it is made."""
    size = min(vocabulary, LARGEST)
    text = hashlib.sha256("\0".join(topics().values()).encode()).hexdigest()[:12]
    return cached(f"topics-{FORMAT}-{text}-{size}", lambda: _tokenized(size), _read, _write)


def tokenizer(vocabulary: int) -> Any:
    """The ``tokenizers.Tokenizer`` behind `tokens`, to turn ids into text and back."""
    from tokenizers import Tokenizer

    return Tokenizer.from_str(tokens(vocabulary).tokenizer)


def windows(vocabulary: int, count: int, length: int, seed: int) -> np.ndarray:
    """[count, length] int64: pieces of the corpus, from places that `seed` chooses."""
    import numpy as np

    return _pieces(tokens(vocabulary).ids, count, length, np.random.default_rng(seed))


def passages(
    vocabulary: int, count: int, length: int, topics: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """[count, length] and [count] int64: pieces that open with the CLS token, and the topic each is from."""
    import numpy as np

    rng = np.random.default_rng(seed)
    texts = tokens(vocabulary).topics(topics)
    labels = rng.integers(0, topics, count)
    body = np.concatenate([_pieces(texts[label], 1, length, rng) for label in labels])
    body[:, 0] = CLS
    return body, labels


def held_out(vocabulary: int, length: int, topics: int, test: bool) -> tuple[np.ndarray, np.ndarray]:
    """[n, length] and [n] int64: the `topics` longest topics cut into pieces, and which each piece is from.

    Every fifth piece is for the test and the others for training: no token is in both.
    """
    import numpy as np

    cut = [
        ids[: len(ids) // length * length].reshape(-1, length) for ids in tokens(vocabulary).topics(topics)
    ]
    kept = [pieces[(np.arange(len(pieces)) % 5 == 4) == test] for pieces in cut]
    labels = np.repeat(np.arange(topics), [len(pieces) for pieces in kept])
    return np.concatenate(kept).astype(np.int64), labels


def _pieces(ids: np.ndarray, count: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Pieces from random places; text shorter than a piece starts over."""
    import numpy as np

    starts = rng.integers(0, max(1, len(ids) - length + 1), count)
    places = (starts[:, None] + np.arange(length)) % len(ids)
    pieces: np.ndarray = ids[places].astype(np.int64)
    return pieces


def _tokenized(size: int) -> Tokens:
    import numpy as np

    trained = _trained(size)
    each = [[*encoded.ids, END] for encoded in trained.encode_batch(list(topics().values()))]
    ends = np.cumsum([len(ids) for ids in each])
    return Tokens(np.concatenate([np.asarray(ids, np.int32) for ids in each]), ends, trained.to_str())


def _trained(size: int) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(topics().values(), trainer)
    return made


def _read(folder: Path) -> Tokens:
    import numpy as np

    return Tokens(
        np.load(folder / "ids.npy"),
        np.load(folder / "ends.npy"),
        (folder / "tokenizer.json").read_text("utf-8"),
    )


def _write(folder: Path, made: Tokens) -> None:
    import numpy as np

    np.save(folder / "ids.npy", made.ids)
    np.save(folder / "ends.npy", made.ends)
    (folder / "tokenizer.json").write_text(made.tokenizer, "utf-8")
