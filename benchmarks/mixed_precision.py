"""16 bits against fp32; and whether a training in 16 bits arrives where one in fp32 does."""

from harness.benchmark import Benchmark, grid

MODELS = ["gpt2", "llama", "bert", "resnet", "vit"]
LANGUAGE = ["gpt2", "llama", "bert"]
#: Of claims that name a model. T5's was measured on sentences padded to the longest of a batch, 512 tokens at
#: most: at the speed that it tells an A100 computes some 150 at best.
CLAIMED = [
    *grid(device="cuda", model="matmul", phase="kernel", size="base"),
    *grid(device="cuda", model="mlp", phase="train", size="base"),
    *grid(device="cuda", model="t5", phase="train", size="base", length=[128, 512]),
]

BENCHMARKS = [
    Benchmark(
        technique="mixed-precision",
        # A CPU without fp16 arithmetic takes 30 times as long in fp16, so what trains there is short.
        quick=[
            *grid(device="cpu", model="gpt2", phase="train", batch=2, length=64),
            *grid(device="cpu", model="bert", phase="infer", length=64),
            *grid(device="cuda", model=["gpt2", "bert", "resnet"], phase="train", size="base"),
            *grid(device="cuda", model=["bert", "vit"], phase="infer", size="base"),
        ],
        standard=[
            *grid(device="cpu", model="gpt2", phase="train", batch=2, length=64),
            *grid(device="cpu", model="bert", phase="infer", length=64),
            *grid(device="cpu", model="resnet", phase="infer", variants=("bf16",)),
            *grid(device="cuda", model=MODELS, phase=["train", "infer"], size="base"),
            *CLAIMED,
        ],
        full=[
            *grid(device="cpu", model=MODELS, phase=["train", "infer"]),
            *grid(device="cpu", model=LANGUAGE, phase=["train", "infer"], length=[64, 256]),
            *grid(device="cpu", model=["bert", "vit", "resnet"], phase="infer", size="base", batch=4),
            *grid(device="cuda", model=MODELS, phase=["train", "infer"], size=["base", "large"]),
            *grid(device="cuda", model="gpt2", phase="train", size="base", length=[128, 1024]),
            *CLAIMED,
            *grid(device="cpu", model="mlp", phase="train"),
            *grid(device="cpu", model="t5", phase="train", batch=2, length=64, variants=("bf16",)),
        ],
    ),
    Benchmark(
        name="mixed-precision-stability",
        technique="mixed-precision",
        measures=("quality",),
        quick=[
            *grid(device="cpu", model="gpt2", phase="train", task="converge", variants=("bf16",)),
            *grid(device="cuda", model="gpt2", phase="train", task="converge"),
        ],
        standard=[
            *grid(device="cpu", model="gpt2", phase="train", task="converge"),
            *grid(device="cuda", model="gpt2", phase="train", task="converge"),
            *grid(device="cuda", model="digits", phase="train"),
        ],
        full=[*grid(model="gpt2", phase="train", task="converge"), *grid(model="digits", phase="train")],
    ),
]
