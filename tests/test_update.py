"""An update takes the optimizer's step where it is asked to, and what follows it comes then alone."""

from __future__ import annotations

import torch

from harness.update import adamw, followed, plain_update


def test_gradients_add_up_until_a_step_is_asked_for() -> None:
    weight = torch.nn.Parameter(torch.tensor(1.0))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    plain_update(3 * weight, optimizer, step=False)
    assert (weight.item(), weight.grad) == (1.0, torch.tensor(3.0))
    plain_update(2 * weight, optimizer)
    assert (weight.item(), weight.grad) == (0.5, torch.tensor(5.0))


def test_what_follows_an_update_comes_in_order_and_only_where_it_steps() -> None:
    notes: list[str] = []

    def update(loss: object, optimizer: object, step: bool = True) -> None:
        notes.append(f"update {step}")

    both = followed(update, [lambda _: notes.append("one"), lambda _: notes.append("other")])
    weight = torch.nn.Parameter(torch.tensor(1.0))
    both(weight, torch.optim.SGD([weight]), step=False)
    assert notes == ["update False"]
    both(weight, torch.optim.SGD([weight]))
    assert notes[1:] == ["update True", "one", "other"]


def test_where_nothing_follows_the_update_is_the_same() -> None:
    assert followed(plain_update, []) is plain_update


def test_the_usual_optimizer_is_adamw() -> None:
    found = adamw([torch.nn.Parameter(torch.zeros(1))])
    assert isinstance(found, torch.optim.AdamW)
    assert found.defaults["lr"] == 1e-3
