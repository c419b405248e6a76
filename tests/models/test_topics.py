"""Passages of help topics: the test set is unseen, and a short training learns to tell topics apart."""

from __future__ import annotations

import torch

from harness.models import topics


def test_every_topic_is_in_training_and_in_the_test() -> None:
    parameters = topics.make(phase="train").parameters
    for test in (False, True):
        found = torch.cat([batch["labels"] for batch in topics.batches(parameters, 0, test=test)])
        assert set(found.tolist()) == set(range(topics.TOPICS))


def test_topics_are_learned_and_stay_learned() -> None:
    train, infer = (topics.make(phase=phase, layers=1, seed=3) for phase in ("train", "infer"))
    assert train.quality
    assert infer.quality
    learned, kept = train.quality(train.build()), infer.quality(infer.build())
    assert learned["accuracy"] > 0.5, "of eight topics, the largest of which is a fifth of the text"
    assert kept == {**learned, "curve": []}


def test_the_gpu_sizes_build() -> None:
    for size in ("base", "large"):
        make = topics.make(phase="train", size=size).make_model
        assert make
        with torch.device("meta"):
            model = make()
        parts = [sum(w.numel() for w in part.parameters()) for part in (model.embeddings, model)]
        assert 0.1 < parts[0] / parts[1] < 0.3, "as in BERT-base"
