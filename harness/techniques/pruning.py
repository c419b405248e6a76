"""Pruning: weights set to zero, or left out.

Zeros in a dense matrix are stored and multiplied like any other number: they save nothing, and ``figures``
tells their share, beside the bytes of parameters that any run counts. Only what is left out is smaller: units
of a layer or, for the sparse kernels of GPUs, two of every four weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.errors import Unsupported
from harness.technique import Technique, Variant
from harness.workload import After, ModelJob, Workload

if TYPE_CHECKING:
    import torch

#: The source's share of weights that go.
SHARE = 0.5
#: Steps until the gradual variant has pruned its share.
GRADUAL_STEPS = 100


class PrunedJob(ModelJob):
    def figures(self) -> dict[str, float | str]:
        """Of the weights, those that are left out among them."""
        from harness import sparsity

        weights = [sparsity.dense(weight.detach()) for weight in self.model.parameters()]
        zeros = sum(int((weight == 0).sum()) for weight in weights)
        return {"share of zeros": zeros / sum(weight.numel() for weight in weights)}


def edited(edit: Callable[[torch.nn.Module], None], workload: Workload) -> Workload:
    # A job that tells the share of zeros, unless the workload has one of its own.
    changed = workload.edited(lambda model: edit(model) or model)  # type: ignore[func-returns-value]
    return replace(changed, make_job=workload.make_job or PrunedJob)


def linears(model: torch.nn.Module) -> Iterator[Any]:
    import torch

    return (module for module in model.modules() if isinstance(module, torch.nn.Linear))


def unstructured(model: torch.nn.Module) -> None:
    """The half of each linear layer's weights that are smallest, as the source writes it."""
    from torch.nn.utils import prune

    for module in linears(model):
        prune.l1_unstructured(module, name="weight", amount=SHARE)  # type: ignore[no-untyped-call]
        prune.remove(module, "weight")  # type: ignore[no-untyped-call]


def two_of_four(model: torch.nn.Module) -> None:
    from harness import sparsity

    for module in linears(model):
        if module.weight.shape[1] % 4 == 0:
            sparsity.halve(module.weight.data)


def fp16(model: torch.nn.Module) -> None:
    model.half()


def sparse(model: torch.nn.Module) -> None:
    from harness import sparsity

    sparsity.compress(list(linears(model.half())))


def structured(model: torch.nn.Module) -> None:
    """Half of the hidden units of each feed-forward layer, those with the smallest weights, are cut out."""
    import torch

    found: list[Any] = [
        module for module in model.modules() if hasattr(module, "fc1") and hasattr(module, "fc2")
    ]
    if not found:
        raise Unsupported("finds no feed-forward layers fc1 and fc2 to cut units out of")
    for module in found:
        norms = module.fc1.weight.detach().abs().sum(1)
        kept = norms.topk(len(norms) - int(SHARE * len(norms))).indices.sort().values
        for layer, name, axis in (
            (module.fc1, "weight", 0),
            (module.fc1, "bias", 0),
            (module.fc2, "weight", 1),
        ):
            tensor = getattr(layer, name).detach().index_select(axis, kept)
            setattr(layer, name, torch.nn.Parameter(tensor))
        module.fc1.out_features = module.fc2.in_features = len(kept)


def gradual(workload: Workload) -> Workload:
    """Zeros come during training, fast at first (Zhu and Gupta 2017), and stay zero."""

    def make() -> After:
        taken = 0

        def after(optimizer: torch.optim.Optimizer) -> None:
            nonlocal taken
            taken += 1
            thin(optimizer, SHARE * (1 - (1 - min(1.0, taken / GRADUAL_STEPS)) ** 3))

        return after

    # After the update and not around it, so that a scaler of gradients may replace that.
    made = (*workload.after_update, make)
    return replace(workload, after_update=made, make_job=workload.make_job or PrunedJob)


def thin(optimizer: torch.optim.Optimizer, share: float) -> None:
    """Sets that share of each matrix to zero, the smallest first."""
    for weight in (one.data for group in optimizer.param_groups for one in group["params"] if one.ndim == 2):
        count = int(share * weight.numel())
        if count:
            weight.view(-1)[weight.abs().view(-1).topk(count, largest=False).indices] = 0.0


def _edit(edit: Callable[[torch.nn.Module], None], says: str, **given: Any) -> Variant:
    return Variant(apply=partial(edited, edit), says=says, tolerance=None, phases=("infer",), **given)


TECHNIQUE = Technique(
    name="pruning",
    says="weights set to zero, or left out",
    stage="weights",
    family="compression",
    baseline="dense",
    measures=("memory", "time", "quality"),
    variants={
        "dense": Variant(says="every weight"),
        "unstructured": _edit(unstructured, "half of the weights zero, the smallest: stored all the same"),
        "2-4-zeros": _edit(two_of_four, "two of every four zero, in a dense matrix that stores them"),
        "structured": _edit(structured, "half of the hidden units cut out, the layers really smaller"),
        "dense-fp16": _edit(fp16, "every weight, in fp16", devices=("cuda",)),
        "2-4-sparse": _edit(
            sparse,
            "two of every four left out, in fp16, by sparse kernels",
            needs=("cuda",),
            devices=("cuda",),
        ),
        "gradual": Variant(
            apply=gradual,
            says="half of the weights zero, more with every step",
            tolerance=None,
            phases=("train",),
        ),
    },
)
