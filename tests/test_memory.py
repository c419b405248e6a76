"""The memory reader on jobs whose exact peak is known by hand, on real ones, and on a CUDA that is played."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from harness import memory
from harness.memory import CudaReader, HostReader
from harness.workload import Job, Workload

MB = 1_000_000


def block(size: int) -> torch.Tensor:
    return torch.empty(size, dtype=torch.uint8)


class Planted:
    """A job whose step is given, and whose tensors are what the step or the test put into `kept`."""

    samples = 1

    def __init__(self, step: Callable[[Planted], Any], **kept: torch.Tensor) -> None:
        self.on_batch: Callable[[], None] = lambda: None
        self.kept = kept
        self._step = step

    def step(self) -> Any:
        return self._step(self)

    def evidence(self) -> dict[str, torch.Tensor]:
        return {}

    def tensors(self) -> dict[str, Sequence[torch.Tensor]]:
        return {kind: [tensor] for kind, tensor in self.kept.items()}

    def close(self) -> None:
        """Nothing to undo."""


def measured(step: Callable[[Planted], Any], **kept: torch.Tensor) -> dict[str, Any]:
    return HostReader().measure(Planted(step, **kept))


def test_the_peak_is_the_highest_sum_of_live_blocks() -> None:
    def step(job: Planted) -> None:
        first, second = block(10 * MB), block(10 * MB)
        del first
        third = block(15 * MB)
        del second, third

    found = measured(step)
    assert (found["peak"], found["resident"], found["held"]) == (25 * MB, 0, 0)
    assert found["reserved"] == found["peak"]


def test_a_spike_of_microseconds_is_seen() -> None:
    def step(job: Planted) -> None:
        for size in (1, 2, 300, 1):
            block(size * MB)

    assert measured(step)["peak"] == 300 * MB


def test_what_stays_is_told_by_kind_and_shared_memory_counts_once() -> None:
    weights = torch.zeros(1000)
    found = measured(lambda job: block(10), weights=weights, optimizer=weights[:10], batch=torch.zeros(7))
    assert {kind: found[kind] for kind in ("weights", "gradients", "optimizer", "batch")} == {
        "weights": 4000,
        "gradients": 0,
        "optimizer": 0,
        "batch": 28,
    }
    assert found["resident"] == 4028
    assert found["peak"] == 4038


def test_a_view_counts_with_all_that_it_keeps_alive() -> None:
    assert measured(lambda job: None, batch=torch.zeros(1000)[:1])["batch"] == 4000


def test_what_a_step_replaces_counts_as_freed_though_it_was_there_before() -> None:
    """As gradients do: zero_grad frees those of the step before, which the profiler alone would not tell."""

    def step(job: Planted) -> None:
        job.kept.pop("gradients")
        job.kept["gradients"] = block(10 * MB)
        block(3 * MB)

    found = measured(step, gradients=block(10 * MB))
    assert found["resident"] == 10 * MB
    assert found["peak"] == 13 * MB


def test_what_lives_between_steps_without_being_the_jobs_is_held() -> None:
    outputs: list[torch.Tensor] = [block(6 * MB)]

    def step(job: Planted) -> None:
        new = block(6 * MB)  # The old output is still there, as an assignment to self.last leaves it.
        outputs[0] = new

    found = measured(step)
    assert (found["held"], found["resident"]) == (6 * MB, 0)
    assert found["peak"] == 12 * MB


def test_measuring_again_in_the_same_process_gives_the_same() -> None:
    """The profiler remembers addresses of blocks that were freed while it did not look."""

    def step(job: Planted) -> None:
        job.kept["gradients"] = block(5 * MB)
        block(MB)

    job = Planted(step)
    first = HostReader().measure(job)
    job.kept.clear()
    others = [block(size * MB) for size in (5, 1, 5)]
    assert HostReader().measure(job) == first
    del others


def test_the_trace_of_an_accumulation_grows_by_exactly_its_batches() -> None:
    def step(job: Planted) -> None:
        kept = []
        for _ in range(100):
            block(3 * MB)
            kept.append(block(50_000))
            job.on_batch()

    found = measured(step)
    assert found["trace"] == [50_000 * n for n in range(1, 101)]
    assert found["peak"] == 99 * 50_000 + 3 * MB


def test_the_trace_of_a_stream_is_flat() -> None:
    def step(job: Planted) -> None:
        for _ in range(20):
            batch = block(MB)
            del batch
            job.on_batch()

    found = measured(step)
    assert found["trace"] == [0] * 20
    assert found["peak"] == MB


def test_the_jobs_own_end_of_a_batch_is_done_first_and_put_back_after() -> None:
    heard: list[str] = []
    job = Planted(lambda job: job.on_batch())
    job.on_batch = usual = lambda: heard.append("batch")
    assert HostReader().measure(job)["trace"] == [0]
    assert heard == ["batch", "batch"], "one of each step"
    assert job.on_batch is usual


def test_without_batches_the_trace_is_empty_and_their_size_is_the_jobs_to_tell() -> None:
    assert measured(lambda job: None)["trace"] == []
    assert measured(lambda job: None)["batch_bytes"] == 0
    job = Planted(lambda job: None)
    job.batch_bytes = 123  # type: ignore[attr-defined]
    assert HostReader().measure(job)["batch_bytes"] == 123
    job.elements = 7  # type: ignore[attr-defined]
    assert HostReader().measure(job)["elements"] == 7


def test_a_failing_step_leaves_no_profiler_behind_and_the_job_as_it_was() -> None:
    def step(job: Planted) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    job = Planted(step)
    usual = job.on_batch
    for _ in range(2):  # A profiler left on would make the second fail in another way.
        with pytest.raises(RuntimeError, match="can't allocate"):
            HostReader().measure(job)
    assert job.on_batch is usual


WIDTH = 256
WEIGHTS = (WIDTH * WIDTH + WIDTH) * 4
"""Bytes of one linear layer."""


def training(edit: Callable[[torch.nn.Module], torch.nn.Module] | None = None, batch: int = 64) -> Job:
    """Two linear layers without an activation between: what autograd keeps can be counted by hand."""
    workload = Workload(
        model="linear",
        phase="train",
        samples=batch,
        make_model=lambda: torch.nn.Sequential(*(torch.nn.Linear(WIDTH, WIDTH) for _ in range(2))),
        make_batches=lambda: [{"x": torch.ones(batch, WIDTH)}],
        forward=lambda model, batch: model(batch["x"]).sum(),
        make_optimizer=lambda parameters: torch.optim.AdamW(parameters, lr=1e-3, foreach=False),
    )
    return (workload.edited(edit) if edit else workload).build()


def test_a_real_training_step_has_its_peak_where_arithmetic_puts_it() -> None:
    job = training()
    job.step()
    found = HostReader().measure(job)
    scalars = 4 * 4  # AdamW counts its steps in a float for each parameter.
    assert found["weights"] == found["gradients"] == 2 * WEIGHTS
    assert found["optimizer"] == 4 * WEIGHTS + scalars
    assert found["batch"] == 64 * WIDTH * 4
    assert found["held"] == 4, "the loss of the step before"
    # In the optimizer's step all gradients are there again, and two tensors as large as the parameter whose
    # turn it is. The forward and backward pass needs less: four activations of 65 kB.
    above = found["peak"] - found["resident"] - found["held"]
    assert 2 * WIDTH * WIDTH * 4 <= above <= 2 * WEIGHTS


def test_an_unwarmed_job_is_measured_with_its_optimizers_state() -> None:
    warm = training()
    warm.step()
    assert HostReader().measure(training()) == HostReader().measure(warm)


def test_a_long_batch_peaks_in_the_backward_pass() -> None:
    job = training(batch=4096)
    job.step()
    found = HostReader().measure(job)
    activation = 4096 * WIDTH * 4
    # Of the forward pass the first layer's output is kept; backward adds the gradient of both outputs at
    # once. Gradients of the weights were freed at the start, so they do not count twice.
    above = found["peak"] - found["resident"] + found["gradients"]
    assert 3 * activation <= above <= 3 * activation + 2 * WEIGHTS


def test_checkpointing_is_seen_to_need_less() -> None:
    from torch.utils.checkpoint import checkpoint

    class Deep(torch.nn.Module):
        def __init__(self, checkpointed: bool) -> None:
            super().__init__()
            blocks = (torch.nn.Sequential(*(torch.nn.GELU() for _ in range(4))) for _ in range(4))
            self.blocks = torch.nn.ModuleList(blocks)
            self.scale = torch.nn.Parameter(torch.ones(()))
            self._checkpointed = checkpointed

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x * self.scale
            for each in self.blocks:
                x = checkpoint(each, x, use_reentrant=False) if self._checkpointed else each(x)
            return x

    plain, less = (HostReader().measure(training(lambda _, c=c: Deep(c), 4096)) for c in (False, True))  # type: ignore[misc]
    activation = 4096 * WIDTH * 4
    assert plain["peak"] // activation >= 16
    assert less["peak"] // activation <= 12


def test_a_compiled_model_is_seen_as_well() -> None:
    eager, compiled = training(batch=4096), training(torch.compile, batch=4096)  # type: ignore[arg-type]
    one, other = HostReader().measure(eager), HostReader().measure(compiled)
    assert other["resident"] == one["resident"]
    activation = 4096 * WIDTH * 4
    assert one["peak"] - activation <= other["peak"] <= one["peak"]
    assert other["peak"] - other["resident"] >= activation


def test_nothing_is_said_on_stderr() -> None:
    """The worker's last words in a crash are the last line of its log; the profiler's chatter is not them."""
    code = """
import sys, torch
sys.path.insert(0, sys.argv[1])
from tests.test_memory import Planted, block
from harness.memory import HostReader
old = [block(10)]
HostReader().measure(Planted(lambda job: old.clear()))
print("error of the job", file=sys.stderr)
"""
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code, root], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stderr.splitlines() == ["error of the job"]


def test_quantized_sparse_and_opaque_tensors_have_their_memory_counted() -> None:
    sparse = torch.sparse_coo_tensor(
        torch.zeros(1, 5, dtype=torch.int64), torch.ones(5), (9,), check_invariants=True
    )
    assert sum(block.size for block in memory.blocks(sparse)) == 5 * 8 + 5 * 4
    opaque = torch.ones(10).to_mkldnn()
    assert [block.size for block in memory.blocks(opaque)] == [40]
    assert list(memory.blocks(torch.empty(0))) == []
    assert list(memory.blocks(torch.empty(9, device="meta"))) == []

    class Wrapped:
        """Says of what it is made, as torchao's and DTensor's do."""

        data, scale = torch.zeros(8, dtype=torch.int8), torch.zeros(2)

        def __tensor_flatten__(self) -> tuple[list[str], None]:
            return ["data", "scale"], None

    assert [block.size for block in memory.blocks(Wrapped())] == [8, 8]  # type: ignore[arg-type]


def test_the_processs_memory_is_read_from_status_or_asked_of_the_system(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython 3\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n")
    assert memory.host(status) == {"rss": 1 << 20, "peak_rss": 2 << 20}
    elsewhere = memory.host(tmp_path / "absent")
    assert elsewhere["peak_rss"] > 10 * MB
    real = memory.host()
    assert real["peak_rss"] >= real["rss"] > 100 * MB, "torch is in it"


class PlayedCuda:
    """torch.cuda's allocator as far as the reader asks it; bytes."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.live, self.highest, self.cached = 1000, 9999, 5000

    def take(self, size: int) -> None:
        self.live += size
        self.highest = max(self.highest, self.live)
        self.cached = max(self.cached, self.live)

    def synchronize(self, device: str) -> None:
        self.heard.append("synchronize")

    def empty_cache(self) -> None:
        self.heard.append("empty_cache")
        self.cached = self.live

    def reset_peak_memory_stats(self, device: str) -> None:
        self.heard.append("reset")
        self.highest = self.live

    def memory_allocated(self, device: str) -> int:
        return self.live

    def memory_reserved(self, device: str) -> int:
        return self.cached

    def max_memory_allocated(self, device: str) -> int:
        return self.highest

    def max_memory_reserved(self, device: str) -> int:
        return self.cached

    def mem_get_info(self, device: str) -> tuple[int, int]:
        return 6000, 16000


def test_on_cuda_the_allocators_own_counts_are_told() -> None:
    cuda = PlayedCuda()

    def step(job: Planted) -> None:
        cuda.heard.append("step")
        cuda.take(700)
        job.on_batch()
        cuda.take(-500)
        job.on_batch()
        cuda.take(-200)

    found = CudaReader(cuda=cuda).measure(Planted(step, weights=torch.zeros(10)))
    assert cuda.heard == ["synchronize", "empty_cache", "reset", "step", "synchronize"]
    assert found == {
        **{"weights": 0, "gradients": 0, "optimizer": 0, "batch": 0, "batch_bytes": 0},
        **{"resident": 0, "held": 1000, "peak": 1700, "reserved": 1700, "device_used": 10000},
        **{"trace": [700, 200], "reserved_trace": [1700, 1700]},
    }, "and tensors on the host are none of the device's"


def test_each_device_has_its_reader() -> None:
    assert isinstance(memory.of("cpu"), HostReader)
    assert isinstance(memory.of("cuda"), CudaReader)
    assert isinstance(memory.of("cuda:1"), CudaReader)
