"""The smallest real benchmark: a linear layer once and eight times, which no other work hides."""

from harness.benchmark import Benchmark, grid
from harness.technique import Technique, Variant
from harness.workload import Workload


def make(phase: str, device: str, seed: int, width: int = 256) -> Workload:
    import torch

    return Workload(
        model="toy",
        phase=phase,
        samples=32,
        device=device,
        seed=seed,
        make_model=lambda: torch.nn.Linear(width, width),
        make_batches=lambda: [{"x": torch.randn(32, width)} for _ in range(2)],
        forward=lambda model, batch: model(batch["x"]).square().mean(),
        parameters={"width": width},
    )


def eightfold(workload: Workload) -> Workload:
    def edit(model):  # type: ignore[no-untyped-def]
        inner = model.forward
        model.forward = lambda x: sum(inner(x) for _ in range(8)) / 8  # Of a power of two, exactly the same.
        return model

    return workload.edited(edit)


BENCHMARK = Benchmark(
    name="toy",
    technique=Technique(
        name="toy",
        says="eight times the work for the same result",
        stage="control",
        baseline="once",
        variants={"once": Variant(), "eightfold": Variant(apply=eightfold)},
    ),
    quick=grid(model="toy", phase="train", width=[64, 1024]),
    make=make,
)
