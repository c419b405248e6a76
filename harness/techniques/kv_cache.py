"""KV cache: the keys and values of tokens that have been read are kept, and not computed for every new one.

With it a new token costs one token's work and the reading of what is kept; without it all tokens so far go
through the model again. Results differ by the order of sums alone: 1e-7, measured on GPT-2 and Llama.
"""

from functools import partial

from harness.technique import Technique, Variant
from harness.workload import Workload


def kept(cache: str, workload: Workload) -> Workload:
    return workload.with_options(cache=cache)


def compiled(workload: Workload) -> Workload:
    """Static shapes let the step of decoding be generated code and, on CUDA, one replayed graph."""
    mode = "reduce-overhead" if workload.device == "cuda" else "default"
    return workload.with_options(cache="static", compile=mode)


TECHNIQUE = Technique(
    name="kv-cache",
    family="caching",
    says="keys and values of earlier tokens kept while generating",
    stage="generation",
    phases=("generate",),
    baseline="off",
    variants={
        "off": Variant(apply=partial(kept, "off"), says="every token again for each new one"),
        "dynamic": Variant(
            apply=partial(kept, "dynamic"),
            says="kept in tensors that grow by a token at a time",
            own_work=True,
        ),
        "static": Variant(
            apply=partial(kept, "static"),
            says="kept in memory that is taken once for the longest text",
            own_work=True,
        ),
        "static-compile": Variant(
            apply=compiled,
            says="static, and the step of decoding as generated code",
            own_work=True,
            compiles=True,
        ),
    },
)
