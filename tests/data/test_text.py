"""The text: real, reversible, cut into batches that a seed decides."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from harness.data import text
from harness.errors import Unsupported

VOCABULARY = 512


def test_the_corpus_decodes_to_the_help_topics() -> None:
    tokens = text.tokens(VOCABULARY)
    decoder = text.tokenizer(VOCABULARY)
    topics = list(text.topics().values())
    assert len(tokens.ends) == len(topics) > 50
    first = tokens.ids[: tokens.ends[0]]
    assert first[-1] == text.END
    assert decoder.decode(first[:-1].tolist()) == topics[0]


def test_special_tokens_have_the_ids_that_models_are_told() -> None:
    decoder = text.tokenizer(VOCABULARY)
    assert [decoder.token_to_id(name) for name in text.SPECIAL] == [text.PAD, text.END, text.CLS]


def test_a_larger_vocabulary_needs_fewer_tokens() -> None:
    small, large = text.tokens(VOCABULARY), text.tokens(2048)
    assert len(large.ids) < len(small.ids)
    assert small.ids.max() < VOCABULARY <= large.ids.max() < 2048


def test_a_vocabulary_beyond_the_text_shares_the_largest_tokenizer() -> None:
    assert text.tokens(50257).ids.max() < text.LARGEST


def test_windows_are_pieces_of_the_corpus_in_an_order_of_the_seed() -> None:
    ids = text.tokens(VOCABULARY).ids
    windows = text.windows(VOCABULARY, 3, 20, seed=1)
    assert windows.shape == (3, 20)
    assert windows.dtype == np.int64
    every = np.lib.stride_tricks.sliding_window_view(ids, 20)
    assert all((every == window).all(axis=1).any() for window in windows)
    assert (windows == text.windows(VOCABULARY, 3, 20, seed=1)).all()
    assert (windows != text.windows(VOCABULARY, 3, 20, seed=2)).any()


def test_passages_are_from_the_topic_of_their_label() -> None:
    ids, labels = text.passages(VOCABULARY, 8, 20, topics=4, seed=1)
    topics = text.tokens(VOCABULARY).topics(4)
    assert (ids[:, 0] == text.CLS).all()
    assert set(labels) <= set(range(4))
    for passage, label in zip(ids, labels, strict=True):
        every = np.lib.stride_tricks.sliding_window_view(topics[label], 19)
        assert (every == passage[1:]).all(axis=1).any()


def test_topics_come_longest_first() -> None:
    lengths = [len(topic) for topic in text.tokens(VOCABULARY).topics(16)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[-1] > 512


def test_text_shorter_than_a_piece_starts_over() -> None:
    pieces = text._pieces(np.arange(3), 2, 7, np.random.default_rng(0))
    assert pieces.tolist() == [[0, 1, 2, 0, 1, 2, 0]] * 2


def test_a_python_without_the_topics_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(Unsupported, match=r"lacks pydoc_data\.topics"):
        text.topics.__wrapped__()


def test_what_is_held_out_is_not_trained_on() -> None:
    """Of each topic the pieces of both sets are all of it, in turn, and each is in one."""
    train, test = (text.held_out(512, 32, 3, which) for which in (False, True))
    for topic, ids in enumerate(text.tokens(512).topics(3)):
        seen, unseen = (pieces[labels == topic] for pieces, labels in (train, test))
        whole = ids[: len(ids) // 32 * 32].reshape(-1, 32)
        assert len(seen) + len(unseen) == len(whole)
        assert (unseen == whole[4::5]).all()
        assert (seen[:4] == whole[:4]).all()
        assert (seen[4] == whole[5]).all()
