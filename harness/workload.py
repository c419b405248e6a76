"""A workload: a real job with a step, as an immutable recipe that techniques transform.

A recipe holds functions and no tensors, so transforming it costs nothing and leaves the original as it
was; ``build`` makes the live ``Job`` from the seed. Importing this module does not import torch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from harness import weights
from harness.errors import Unsupported
from harness.record import PHASES as PHASES
from harness.update import After, Update, adamw, followed, plain_update

if TYPE_CHECKING:
    import torch

Batch = Mapping[str, "torch.Tensor"]
Edit = Callable[["torch.nn.Module"], "torch.nn.Module"]
Context = Callable[[], AbstractContextManager[Any]]
Tell = Callable[["torch.nn.Module"], Mapping[str, "float | str"]]


class Job(Protocol):
    """A built workload. `step` is what is timed; everything else is outside the timed region."""

    samples: int
    #: Called after each batch inside a step, by jobs whose step is a run over many batches.
    on_batch: Callable[[], None]

    def step(self) -> Any:
        """One step on the next batch. Asynchronous on CUDA: the clock synchronizes."""

    def evidence(self) -> dict[str, torch.Tensor]:
        """What equality is judged on, after the first step: outputs, or the loss and the gradients."""

    def tensors(self) -> dict[str, Sequence[torch.Tensor]]:
        """What stays in memory between steps, by kind: weights, gradients, optimizer, batch."""

    def close(self) -> None:
        """Undoes all that building changed in the process."""

    # A job may have `figures() -> Mapping[str, float | str]` as well: named facts about the steps so far that
    # are neither time nor memory, such as a hit rate or the name of what holds it up. And `spreads = True`:
    # a step starts threads of its own, which are not to stay on the CPU where it is timed.


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A recipe. The first group of fields is the job, the second what techniques change."""

    model: str
    phase: str
    samples: int
    """How many samples one step holds: images, or sequences of text."""
    make_model: Callable[[], torch.nn.Module] | None = None
    """Builds the model on the host; called right after seeding."""
    make_batches: Callable[[], Sequence[Batch]] | None = None
    """Real or seeded data on the host; steps take the batches in turn."""
    forward: Callable[[torch.nn.Module, Batch], torch.Tensor] | None = None
    """train: the scalar loss; infer: the output to compare."""
    device: str = "cpu"
    seed: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The grid's parameters, with the model's defaults filled in: batch, length, layers, width."""
    make_job: Callable[[Workload], Job] | None = None
    """For a workload whose step is not forward-backward-update, such as a whole pipeline."""
    quality: Callable[[Job], dict[str, Any]] | None = None
    """Runs the job to the end of a short task: {metric, value, finite, curve}; lower values are better."""

    make: Callable[..., Workload] | None = field(default=None, repr=False)
    """Makes it, also with other parameters: see `again`."""

    edits: tuple[Edit, ...] = ()
    """Changes of the model after it is on its device, in order."""
    context: Context = nullcontext
    """Entered around the forward pass, as autocast asks to be."""
    during: tuple[Context, ...] = ()
    """Entered when the job is built and left when it is closed: process-wide settings, undone by the exit."""
    make_update: Callable[[], Update] = lambda: plain_update
    """Builds the update, which may hold state, as GradScaler does."""
    after_update: tuple[Callable[[], After], ...] = ()
    """Each builds what is done to the weights after an update, whoever makes that."""
    make_optimizer: Callable[[Iterable[torch.nn.Parameter]], torch.optim.Optimizer] = adamw
    tells: tuple[Tell, ...] = ()
    """Each tells facts of the model as it is by then, which stand beside the job's own figures."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Read by a workload's own job: which way a pipeline runs. Techniques set it, grids do not."""

    @property
    def name(self) -> str:
        return f"{self.model}-{self.phase}"

    def again(self, **changed: Any) -> Workload:
        """This workload made anew with `changed` parameters, and with what techniques have done to it so far.

        For techniques of the first stages: an optimizer, say, that was set before is the model's own again.
        Raises Unsupported for a parameter that the model does not have, BadInput for a value that is not one.
        """
        lacking = [name for name in changed if self.make is None or name not in self.parameters]
        if self.make is None or lacking:
            raise Unsupported(f"{self.model} has no {' and no '.join(lacking)}")
        made = self.make(
            phase=self.phase, device=self.device, seed=self.seed, **{**self.parameters, **changed}
        )
        kept = ("make", "edits", "context", "during", "make_update", "after_update", "tells", "options")
        return replace(made, **{name: getattr(self, name) for name in kept})

    def edited(self, edit: Edit) -> Workload:
        """This workload with one more change of the model, made after those already there."""
        return replace(self, edits=(*self.edits, edit))

    def with_context(self, context: Context) -> Workload:
        """This workload with its forward pass inside `context` as well."""
        outer = self.context

        @contextlib.contextmanager
        def both():  # type: ignore[no-untyped-def]
            with outer(), context():
                yield

        return replace(self, context=context if outer is nullcontext else both)

    def with_during(self, context: Context) -> Workload:
        """This workload with `context` entered for the life of the job."""
        return replace(self, during=(*self.during, context))

    def telling(self, tell: Tell) -> Workload:
        """This workload with `tell` among what is told of its model."""
        return replace(self, tells=(*self.tells, tell))

    def with_job(self, make_job: Callable[[Workload], Job]) -> Workload:
        """This workload with its steps taken by another job. Raises Unsupported where one is set already."""
        if self.make_job is not None:
            raise Unsupported(f"{self.model} takes its steps in its own way, which this would replace")
        return replace(self, make_job=make_job)

    def with_options(self, **options: Any) -> Workload:
        return replace(self, options={**self.options, **options})

    def build(self) -> Job:
        """The live job, the same for the same seed. Raises Unsupported where it cannot run here."""
        return self.make_job(self) if self.make_job else ModelJob(self)


class ModelJob:
    """The job of one model: forward, or forward, backward and update."""

    parts: ClassVar[Mapping[str, str]] = {"_next": "data", "_forward": "forward", "_update": "backward"}
    """Which part of a step each method is, for `harness.parts`; the optimizer's are known."""

    def __init__(self, workload: Workload) -> None:
        import torch

        assert workload.make_model
        assert workload.make_batches
        assert workload.forward
        self.workload = workload
        self.samples = workload.samples
        self.on_batch: Callable[[], None] = lambda: None
        self._exit = ExitStack()
        try:
            for context in workload.during:
                self._exit.enter_context(context())
            torch.manual_seed(workload.seed)
            model = workload.make_model().to(workload.device).train(workload.phase == "train")
            self.batches = [
                {key: value.to(workload.device) for key, value in batch.items()}
                for batch in workload.make_batches()
            ]
            for edit in workload.edits:
                model = edit(model)
            self.model = model
            # The optimizer comes after the edits: adapters and quantizers change which parameters there are.
            self.optimizer: torch.optim.Optimizer | None = None
            if workload.phase == "train":
                trained = [p for p in model.parameters() if p.requires_grad]
                self.optimizer = workload.make_optimizer(trained)
                self._update = followed(workload.make_update(), [make() for make in workload.after_update])
            self.step = self._train if workload.phase == "train" else self._infer
            self._forward = workload.forward
            self._count = 0
            self.last: torch.Tensor | None = None
            self.prepare()
        except BaseException:
            self.close()
            raise

    def prepare(self) -> None:
        """What a job of another kind needs besides its model; if it fails, what was entered is left again."""

    def _next(self) -> Batch:
        batch = self.batches[self._count % len(self.batches)]
        self._count += 1
        return batch

    def _train(self) -> torch.Tensor:
        assert self.optimizer is not None
        self.optimizer.zero_grad(set_to_none=True)
        with self.workload.context():
            loss = self._forward(self.model, self._next())
        self._update(loss, self.optimizer)
        self.last = loss.detach()
        return self.last

    def _infer(self) -> torch.Tensor:
        import torch

        with torch.inference_mode(), self.workload.context():
            self.last = self._forward(self.model, self._next())
        return self.last

    def evidence(self) -> dict[str, torch.Tensor]:
        assert self.last is not None, "evidence is taken after the first step"
        found = {"loss" if self.optimizer else "output": self.last}
        if self.optimizer:
            found.update(
                (name.removeprefix("_orig_mod."), parameter.grad)
                for name, parameter in self.model.named_parameters()
                if parameter.grad is not None
            )
        return found

    def figures(self) -> dict[str, float | str]:
        """What techniques tell of the model. A job with figures of its own adds them to these."""
        return {name: value for tell in self.workload.tells for name, value in tell(self.model).items()}

    def tensors(self) -> dict[str, Sequence[torch.Tensor]]:
        import torch

        state = self.optimizer.state.values() if self.optimizer else ()
        return {
            "weights": weights.of(self.model),
            "gradients": [p.grad for p in self.model.parameters() if p.grad is not None],
            "optimizer": [v for s in state for v in s.values() if isinstance(v, torch.Tensor)],
            "batch": [value for batch in self.batches for value in batch.values()],
        }

    def close(self) -> None:
        self._exit.close()
