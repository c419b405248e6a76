"""FLOPs and bytes of steps that can be counted by hand, and ceilings on a clock that is played."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from harness import clock, flops
from harness.workload import Workload

BATCH, WIDTH, OUT = 8, 32, 16
FORWARD = 2 * BATCH * WIDTH * OUT


def linear(phase: str, forward: Callable[..., Any] | None = None) -> Any:
    return Workload(
        model="linear",
        phase=phase,
        samples=BATCH,
        make_model=lambda: torch.nn.Linear(WIDTH, OUT, bias=False),
        make_batches=lambda: [{"x": torch.ones(BATCH, WIDTH)}] * 2,
        forward=forward or (lambda model, batch: model(batch["x"]).sum()),
    ).build()


def test_a_products_flops_are_two_for_each_multiply_and_add() -> None:
    assert flops.count(linear("infer")) == FORWARD


def test_training_adds_the_gradient_of_the_weights() -> None:
    """That of the input is not asked for: the first layer's input needs none."""
    assert flops.count(linear("train")) == 2 * FORWARD


def attention(model: Any, batch: Any) -> torch.Tensor:
    x = model(batch["x"]).reshape(1, 2, BATCH, OUT // 2)
    return torch.nn.functional.scaled_dot_product_attention(x, x, x).sum()


def test_the_cpus_own_attention_is_counted_forward_and_backward() -> None:
    product = 2 * 2 * BATCH * BATCH * (OUT // 2)
    assert flops.count(linear("infer", attention)) == FORWARD + 2 * product
    assert flops.count(linear("train", attention)) == 2 * FORWARD + (2 + 5) * product


def test_a_step_that_cannot_be_counted_has_no_flops() -> None:
    class Broken:
        def step(self) -> None:
            raise RuntimeError("a dispatch mode may not watch this kernel")

    assert flops.count(Broken()) == 0  # type: ignore[arg-type]
    assert flops.count(linear("infer")) == FORWARD, "and the next can be counted as ever"


def test_a_compiled_step_raises_nothing() -> None:
    job = linear("infer")
    job.model = torch.compile(job.model, backend="eager")
    assert flops.count(job) in (0, FORWARD)


def test_inference_reads_its_weights_and_one_batch() -> None:
    job = linear("infer")
    job.step()
    weights, batch = 4 * WIDTH * OUT, 4 * BATCH * WIDTH
    assert flops.minimum_bytes(job) == weights + batch // 2, "its two batches are one tensor, so each is half"


def test_training_reads_and_writes_gradients_state_and_weights() -> None:
    job = linear("train")
    job.step()
    weights, batch, scalar = 4 * WIDTH * OUT, 4 * BATCH * WIDTH, 4
    state = 2 * weights + scalar
    assert flops.minimum_bytes(job) == 2 * weights + 2 * weights + 2 * state + weights + batch // 2


def test_frozen_weights_are_read_and_not_written() -> None:
    job = linear("train", lambda model, batch: model(batch["x"]).sum())
    job.step()
    whole = flops.minimum_bytes(job)
    job.model.extra = torch.nn.Parameter(torch.zeros(100), requires_grad=False)
    assert flops.minimum_bytes(job) - whole == 2 * 400


class PlayedClock:
    """Says how long each call takes, and makes none but the first."""

    def __init__(self, seconds: Callable[[int], float]) -> None:
        self.calls = 0
        self._seconds = seconds

    def now(self) -> float:
        return 0.0

    def block(self, step: Callable[[], Any], steps: int) -> list[float]:
        self.calls += 1
        return [self._seconds(self.calls)] * steps


def test_the_best_call_counts_and_patience_ends() -> None:
    timer = PlayedClock(lambda call: 0.5 if call == 3 else 1.0)
    assert flops._best(lambda: None, timer, patience=2.6) == 0.5
    assert timer.calls == 1 + 4


def test_short_work_follows_on_itself() -> None:
    timer = PlayedClock(lambda call: 1e-3)
    flops._best(lambda: None, timer, patience=10e-3)
    assert timer.calls == 1 + 3, "four calls each"


def test_a_dtype_without_products_is_left_out_and_a_slow_one_is_not_tried_larger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sides: list[tuple[torch.dtype, int]] = []

    def product(device: str, dtype: torch.dtype, side: int) -> Callable[[], Any]:
        if dtype is torch.int8:
            raise AttributeError("no such product in this version")
        if dtype is torch.float16:
            raise RuntimeError("not implemented for 'Half'")
        sides.append((dtype, side))
        return lambda: None

    monkeypatch.setattr(flops, "_product", product)
    monkeypatch.setattr(flops, "_copies", lambda device, timer: 3.0)
    monkeypatch.setattr(clock, "of", lambda device: PlayedClock(lambda call: 0.1))
    found = flops.ceilings("cpu")
    assert found == {"float32": 2 * 256**3 / 0.1, "bfloat16": 2 * 256**3 / 0.1, "copy": 3.0}
    assert sides == [(torch.float32, 256), (torch.bfloat16, 256)]


def test_the_real_ceilings_are_those_of_a_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flops, "SIDES", (128,))
    monkeypatch.setattr(flops, "COPY_BYTES", 1 << 20)
    monkeypatch.setattr(flops, "PRODUCT_SECONDS", 0.01)
    monkeypatch.setattr(flops, "COPY_SECONDS", 0.01)
    products: Any = torch.backends.mkldnn.matmul
    before = torch.get_float32_matmul_precision(), products.fp32_precision
    found = flops.ceilings("cpu")
    assert (torch.get_float32_matmul_precision(), products.fp32_precision) == before
    assert set(found) >= {"float32", "bfloat16", "int8", "copy"}
    assert all(1e6 < rate < 1e16 for rate in found.values())
