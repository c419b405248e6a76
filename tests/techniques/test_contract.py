"""What every technique promises, found in the folder as the suite finds them: a new one is tested at once.

Each variant and each stack of two gives the baseline's results within its stated tolerance, leaves the
workload that it was given as it was, and leaves nothing behind in the process when its job is closed.
"""

from __future__ import annotations

import io
import itertools
import os
import re
import tokenize
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from harness import equal
from harness import technique as techniques_module
from harness.errors import Unsupported
from harness.needs import missing
from harness.technique import STAGES, Apply, Technique, Variant, stack, techniques
from tests.techniques.conftest import Results, first_step, tiny

FILES = sorted(Path(techniques_module.__file__).with_name("techniques").glob("[!_]*.py"))
TRANSFORMERS = ("gpt2", "llama", "bert", "vit")


def applied(technique: Technique, phase: str) -> Iterator[tuple[str, Variant]]:
    """The variants that a plan has on a CPU."""
    for name, variant in technique.variants.items():
        if (variant.phases is None or phase in variant.phases) and (
            variant.devices is None or "cpu" in variant.devices
        ):
            yield name, variant


def same_results(technique: Technique, phase: str) -> Iterator[tuple[str, Variant]]:
    """Those of them that state a tolerance: another result by design has nothing to be compared with."""
    return ((name, variant) for name, variant in applied(technique, phase) if variant.tolerance is not None)


def model_of(technique: Technique, variant: str = "") -> str:
    if "batch-norm" in variant:
        return "resnet"
    return {"pipeline": "trajectory", "weights": "wide-gpt2"}.get(technique.stage, "gpt2")


def phases_of(technique: Technique) -> list[str]:
    """Of the models; a kernel alone and loading have workloads and tests of their own."""
    return [phase for phase in ("train", "infer") if phase in technique.phases]


#: Every variant in every phase; compiling takes seconds, so that it is tried where the fewest are compiled.
SINGLES = [
    pytest.param(variant, model_of(one, name), phase, id=f"{one.name}:{name}-{phase}")
    for one in techniques().values()
    for phase in phases_of(one)
    for name, variant in same_results(one, phase)
    if not variant.compiles or (phase == "infer" and name != "max-autotune")
]


def judged(baseline: Results, variant: Variant, results: Results) -> Any:
    assert variant.tolerance is not None
    return equal.equality(baseline, results, variant.tolerance, variant.gradients)


@pytest.mark.parametrize(("variant", "model", "phase"), SINGLES)
def test_a_variant_gives_the_results_of_the_baseline_and_leaves_no_trace(
    variant: Variant, model: str, phase: str, baseline: Callable[[str, str], Results]
) -> None:
    plain = tiny(model, phase)
    expected = baseline(model, phase)
    fields = dict(vars(plain))
    before = process_state()
    found = judged(expected, variant, first_step(variant.apply(plain)))
    assert found["ok"], found
    assert process_state() == before, "something is left behind in the process"
    assert vars(plain) == fields, "the recipe that it was given has changed"
    again = first_step(plain)
    assert all(torch.equal(again[name], expected[name]) for name in expected), "the original is touched"


EXACT = [
    pytest.param(variant, model, id=f"{name}-{model}")
    for name, variant in applied(techniques()["checkpointing"], "train")
    for model in ("llama", "bert", "vit", "resnet")
    if (name, model) != ("full", "resnet")
]


@pytest.mark.parametrize(("variant", "model"), EXACT)
def test_checkpointing_is_exact_on_every_architecture(
    variant: Variant, model: str, baseline: Callable[[str, str], Results]
) -> None:
    assert judged(baseline(model, "train"), variant, first_step(variant.apply(tiny(model))))["ok"]


@pytest.mark.parametrize("phase", ["train", "infer"])
@pytest.mark.parametrize("model", [*TRANSFORMERS, "resnet"])
@pytest.mark.parametrize(("name", "unit"), [("bf16", 2**-9), ("fp16", 2**-12)])
def test_16_bits_round_and_do_no_more(
    name: str, unit: float, model: str, phase: str, baseline: Callable[[str, str], Results]
) -> None:
    """Within the stated tolerance on all; on transformers within a few units of rounding, gradients too."""
    variant = techniques()["mixed-precision"].variant(name)
    expected, found = baseline(model, phase), first_step(variant.apply(tiny(model, phase)))
    assert judged(expected, variant, found)["ok"]
    value = equal.equality(expected, found, 1.0)["value"]
    assert value > unit / 100, "it has not rounded at all"
    if model in TRANSFORMERS:
        assert value < 5 * unit


#: The control changes nothing; what a compiler tries while generating code does not change what is traced.
ALIKE = ("control:again", "compile:max-autotune")


def pairs() -> Iterator[str]:
    """Each two techniques that do not clash, in the variants that a plan has on a CPU."""
    trained = [one for one in techniques().values() if "train" in one.phases]
    for one, other in itertools.combinations(trained, 2):
        if one.stage != other.stage:
            both = itertools.product(changes(one), changes(other))
            yield from (f"{first}+{second}" for first, second in both if not {first, second} & {*ALIKE})


def changes(one: Technique, phase: str = "train") -> list[str]:
    return [f"{one.name}:{name}" for name, _ in same_results(one, phase) if name != one.baseline]


@pytest.fixture
def traced_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.compile without generating code: what is traced and its backward, in a tenth of the time."""
    compile_ = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda model, mode=None, **options: compile_(model, backend="aot_eager", **options)
    )


def attempt(apply: Apply, model: str) -> Results | str:
    """The first step, or the one word that a stack may fail by."""
    try:
        return first_step(apply(tiny(model)))
    except Unsupported:
        return "unsupported"
    except Exception as error:
        if not any("_dynamo" in frame.filename for frame in traceback.extract_tb(error.__traceback__)):
            raise
        return "untraceable"


@pytest.mark.parametrize("spelling", list(pairs()))
@pytest.mark.usefixtures("traced_only")
def test_two_together_give_the_results_of_the_baseline(
    spelling: str, baseline: Callable[[str, str], Results]
) -> None:
    both = stack(spelling)
    variant = both.variant(both.name)
    model = "trajectory" if "streaming:" in spelling else "gpt2"
    before = process_state()
    found = attempt(variant.apply, model)
    if found == "unsupported":
        assert model == "trajectory"
        assert re.search("checkpointing:|accumulation:|attention:", spelling), (
            "no layers to recompute, no step to cut up, no attention"
        )
    elif found == "untraceable":
        # Of torch 2.13: GPT-2 in checkpoints cannot be traced for shapes of any size. Loud, and an outcome.
        assert re.match("checkpointing:.*compile:dynamic", spelling)
    else:
        assert isinstance(found, dict)
        equality = judged(baseline(model, "train"), variant, found)
        assert equality["ok"], equality
    assert process_state() == before


def pairs_of_inference() -> Iterator[str]:
    """Those of which one is for inference alone. Compiling them is traced above, and told by benchmarks."""
    able = [one for one in techniques().values() if "infer" in one.phases and one.stage != "compile"]
    for one, other in itertools.combinations(able, 2):
        if one.stage != other.stage and not ("train" in one.phases and "train" in other.phases):
            both = itertools.product(changes(one, "infer"), changes(other, "infer"))
            yield from (f"{first}+{second}" for first, second in both if not {first, second} & {*ALIKE})


#: 16-bit weights, or results, that meet another type: autocast's, or a ResNet's images. Loud, and an outcome.
TWO_TYPES = re.compile(
    "mixed-precision:.*quantization:(bf16|dynamic-int8|int4)|batch-norm.*quantization:bf16"
)


#: Without AVX-512 bitsandbytes multiplies int8 as floats, of which autocast makes float16, and they overflow:
#: silent, and what the gate is there for. (``_int8_linear_matmul_impl`` of its 0.50.2.)
OVERFLOWS = re.compile("mixed-precision:fp16.*quantization:bnb-int8")
AVX512 = torch.backends.cpu.get_cpu_capability() == "AVX512"


@pytest.mark.parametrize("spelling", list(pairs_of_inference()))
def test_two_together_give_the_results_of_the_baseline_in_inference(
    spelling: str, baseline: Callable[[str, str], Results]
) -> None:
    both = stack(spelling)
    variant = both.variant(both.name)
    model = "resnet" if "batch-norm" in spelling else "wide-gpt2"
    before = process_state()
    try:
        equality = judged(baseline(model, "infer"), variant, first_step(variant.apply(tiny(model, "infer"))))
        assert equality["ok"] is (AVX512 or not OVERFLOWS.search(spelling)), equality
    except Unsupported:
        assert model == "resnet", "of a ResNet neither attention nor every layer's weights can be another's"
    except RuntimeError:
        if not TWO_TYPES.search(spelling):
            raise
    assert process_state() == before


@pytest.mark.parametrize("technique", techniques().values(), ids=lambda one: one.name)
def test_it_says_what_it_is(technique: Technique) -> None:
    assert technique.stage in STAGES
    assert technique.says
    assert all(variant.says for variant in technique.variants.values())
    assert technique.variants[technique.baseline].needs == (), "a baseline runs everywhere"
    assert all(0 < one.tolerance < 1 for one in technique.variants.values() if one.tolerance is not None)


@pytest.mark.parametrize("technique", techniques().values(), ids=lambda one: one.name)
def test_what_needs_cuda_says_so_elsewhere(technique: Technique) -> None:
    for variant in technique.variants.values():
        if variant.needs == ("cuda",):
            assert missing(variant.needs, "cpu") == "needs CUDA"
            assert missing(variant.needs, "cuda") is None
            assert variant.devices == ("cuda",), "planned only where it can run"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_technique_is_short(path: Path) -> None:
    """How to apply it and no more: about 60 lines of code, for reasons may take space. What it applies, a job
    or an edit of models, has a module below: see harness/jobs and harness/quantizers.py."""
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
        if token.type
        not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        and not (token.type == tokenize.STRING and token.line.lstrip().startswith('"""'))
        for line in range(token.start[0], token.end[0] + 1)
        if token.string
    }
    assert len(code) <= 65


def process_state() -> dict[str, Any]:
    """What a job may not leave changed: torch's settings, the environment, threads and processes."""
    return {
        **{name: get() for name, get in SETTINGS.items()},
        # The one is pytest's own, the other a note of Inductor to itself.
        "environment": {k: v for k, v in os.environ.items() if not re.match("PYTEST_|_TORCHINDUCTOR_", k)},
        "processes": [process.pid for process in psutil.Process().children()],
        "precision": {
            (backend, kind): torch._C._get_fp32_precision_getter(backend, kind)
            for backend, kind in itertools.product(("cuda", "mkldnn"), ("all", "matmul", "conv", "rnn"))
        },
    }


SETTINGS: dict[str, Callable[[], Any]] = {
    "default dtype": torch.get_default_dtype,
    "default device": torch.get_default_device,
    "threads of torch": torch.get_num_threads,
    "threads between operations": torch.get_num_interop_threads,
    "gradients": torch.is_grad_enabled,
    "inference": torch.is_inference_mode_enabled,
    "anomalies": torch.is_anomaly_enabled,
    "deterministic": torch.are_deterministic_algorithms_enabled,
    "autocast": lambda: [torch.is_autocast_enabled(device) for device in ("cpu", "cuda")],
    "autocast dtype": lambda: [torch.get_autocast_dtype(device) for device in ("cpu", "cuda")],
    "autocast cache": torch.is_autocast_cache_enabled,
    "matmul precision": torch.get_float32_matmul_precision,
    "TF32 convolutions": lambda: torch.backends.cudnn.allow_tf32,
    "cudnn": lambda: (torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark),
    "mkldnn": lambda: torch.backends.mkldnn.enabled,
    "attention": lambda: (torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.math_sdp_enabled()),
}
