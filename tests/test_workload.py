"""Workloads: a recipe is never changed, a job is the same for the same seed and undoes what it set."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from harness.errors import Unsupported
from harness.update import adamw, plain_update
from harness.workload import ModelJob, Workload


def line(phase: str = "train", **given: Any) -> Workload:
    """A linear layer that learns to give nothing."""
    return Workload(
        model="line",
        phase=phase,
        samples=3,
        make_model=lambda: torch.nn.Linear(4, 2),
        make_batches=lambda: [{"x": torch.full((3, 4), float(number))} for number in (1, 2)],
        forward=lambda model, batch: model(batch["x"]).square().mean(),
        **given,
    )


def built(workload: Workload) -> ModelJob:
    job = workload.build()
    assert isinstance(job, ModelJob)
    return job


def noting(notes: list[str], name: str) -> Callable[[], contextlib.AbstractContextManager[None]]:
    @contextlib.contextmanager
    def noted() -> Iterator[None]:
        notes.append(f"{name} begins")
        try:
            yield
        finally:
            notes.append(f"{name} ends")

    return noted


def test_every_change_is_of_a_copy() -> None:
    plain = line()
    fields = dict(vars(plain))
    changed = (
        plain.edited(lambda model: model)
        .with_context(contextlib.nullcontext)
        .with_during(contextlib.nullcontext)
        .with_options(way="stream")
        .telling(lambda model: {})
    )
    assert vars(plain) == fields
    assert (len(changed.edits), len(changed.during), changed.options) == (1, 1, {"way": "stream"})


def test_options_are_added_and_the_last_one_holds() -> None:
    assert line().with_options(a=1, b=1).with_options(b=2).options == {"a": 1, "b": 2}


def test_edits_are_made_in_order_and_before_the_optimizer() -> None:
    def wrap(model: torch.nn.Module) -> torch.nn.Module:
        return torch.nn.Sequential(model, torch.nn.Linear(2, 2))

    def freeze(model: torch.nn.Module) -> torch.nn.Module:
        model[0].requires_grad_(False)  # type: ignore[index]
        return model

    job = built(line().edited(wrap).edited(freeze))
    assert job.optimizer is not None
    assert [tuple(one.shape) for group in job.optimizer.param_groups for one in group["params"]] == [
        (2, 2),
        (2,),
    ]


def test_contexts_nest_around_the_forward_pass_only_the_first_outermost() -> None:
    notes: list[str] = []
    workload = line().with_context(noting(notes, "one")).with_context(noting(notes, "other"))
    workload = replace(workload, make_update=lambda: lambda loss, optimizer: notes.append("update"))
    job = built(workload)
    assert notes == []
    job.step()
    assert notes == ["one begins", "other begins", "other ends", "one ends", "update"]


def test_what_follows_an_update_does_so_whoever_makes_it_and_only_where_it_steps() -> None:
    notes: list[str] = []
    workload = replace(line(), after_update=(lambda: lambda _: notes.append("after"),))
    workload = replace(workload, make_update=lambda: lambda loss, optimizer, step: notes.append("update"))
    job = built(workload)
    job.step()
    assert notes == ["update", "after"]
    job._update(None, job.optimizer, step=False)  # type: ignore[arg-type]
    assert notes == ["update", "after", "update"]
    assert built(replace(line(), after_update=()))._update is plain_update


def test_what_holds_during_the_job_is_entered_before_the_model_and_left_in_reverse() -> None:
    notes: list[str] = []
    make = line().make_model
    assert make
    workload = replace(line(), make_model=lambda: notes.append("model") or make())  # type: ignore[func-returns-value]
    job = built(workload.with_during(noting(notes, "one")).with_during(noting(notes, "other")))
    assert notes == ["one begins", "other begins", "model"]
    job.step()
    job.close()
    assert notes[3:] == ["other ends", "one ends"]
    job.close()
    assert len(notes) == 5, "closing twice does no harm"


def test_a_job_that_cannot_be_built_undoes_what_it_had_set() -> None:
    notes: list[str] = []

    def lacking(model: torch.nn.Module) -> torch.nn.Module:
        raise Unsupported("needs a tensor core")

    with pytest.raises(Unsupported, match="needs a tensor core"):
        line().with_during(noting(notes, "one")).edited(lacking).build()
    assert notes == ["one begins", "one ends"]


def test_the_same_seed_gives_the_same_results_and_another_one_others() -> None:
    def weights(seed: int) -> torch.Tensor:
        job = built(line(seed=seed))
        job.step()
        return job.evidence()["weight"]

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_an_edit_that_draws_does_not_change_the_data() -> None:
    def draws(model: torch.nn.Module) -> torch.nn.Module:
        torch.randn(10)
        return model

    random = replace(line(), make_batches=lambda: [{"x": torch.randn(3, 4)}])
    one, other = built(random), built(random.edited(draws))
    assert torch.equal(one.batches[0]["x"], other.batches[0]["x"])


def test_steps_take_the_batches_in_turn() -> None:
    seen = []
    forward = line().forward
    assert forward

    def watched(model: torch.nn.Module, batch: Any) -> torch.Tensor:
        seen.append(float(batch["x"][0, 0]))
        return forward(model, batch)

    job = built(replace(line(), forward=watched))
    for _ in range(3):
        job.step()
    assert seen == [1, 2, 1]


def test_training_learns_and_gives_the_loss_with_the_gradients_of_this_step_alone() -> None:
    job = built(replace(line(), make_optimizer=lambda parameters: torch.optim.SGD(parameters, lr=0.0)))
    first = float(job.step())
    gradient = job.evidence()["weight"].clone()
    job.step()
    assert float(job.step()) == first
    found = job.evidence()
    assert found.keys() == {"loss", "weight", "bias"}
    assert torch.equal(found["weight"], gradient)
    learning = built(line())
    losses = [float(learning.step()) for _ in range(10)]
    assert losses[-2] < losses[0]


def test_inferring_has_no_gradients_no_optimizer_and_a_model_that_does_not_train() -> None:
    job = built(line("infer"))
    found = job.step()
    assert found.is_inference()
    assert job.optimizer is None
    assert not job.model.training
    assert job.evidence().keys() == {"output"}
    assert job.tensors()["gradients"] == job.tensors()["optimizer"] == []


def test_there_is_no_evidence_before_the_first_step() -> None:
    with pytest.raises(AssertionError, match="after the first step"):
        built(line()).evidence()


def test_a_compiled_model_is_judged_under_the_names_of_the_plain_one() -> None:
    job = built(line().edited(lambda model: torch.compile(model, backend="eager")))  # type: ignore[arg-type,return-value]
    job.step()
    assert job.evidence().keys() == {"loss", "weight", "bias"}


def test_what_stays_in_memory_is_told_by_kind() -> None:
    job = built(line())
    assert job.tensors()["optimizer"] == []
    job.step()
    sizes = {kind: sum(one.numel() for one in tensors) for kind, tensors in job.tensors().items()}
    assert sizes == {"weights": 10, "gradients": 10, "optimizer": 2 * 10 + 2, "batch": 2 * 3 * 4}


def test_a_workload_may_have_a_job_of_its_own() -> None:
    made = []
    workload = replace(line(), make_job=lambda given: made.append(given) or "job")  # type: ignore[func-returns-value,arg-type,return-value]
    assert workload.build() == "job"
    assert made == [workload]


def test_a_job_is_set_once() -> None:
    workload = line().with_job(ModelJob)
    assert isinstance(workload.build(), ModelJob)
    with pytest.raises(Unsupported, match="line takes its steps in its own way"):
        workload.with_job(ModelJob)


def test_facts_of_the_model_are_told_as_it_is_by_then() -> None:
    assert built(line()).figures() == {}
    told = line().telling(lambda model: {"first weight": float(model.weight.detach()[0, 0])})  # type: ignore[operator]
    job = built(told.telling(lambda model: {"layer": type(model).__name__}))
    before = job.figures()
    job.step()
    assert before["layer"] == job.figures()["layer"] == "Linear"
    assert before["first weight"] != job.figures()["first weight"]


def test_names_are_those_of_tables_and_claims() -> None:
    assert line("infer").name == "line-infer"


def test_the_optimizer_unless_a_technique_changes_it_is_adamw() -> None:
    job = built(line())
    assert isinstance(job.optimizer, torch.optim.AdamW)
    assert adamw(job.model.parameters()).defaults["lr"] == 1e-3
