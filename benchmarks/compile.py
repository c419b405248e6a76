"""Generated code against eager: training in three sizes, inference; and what compiling costs."""

from harness.benchmark import Benchmark, grid

#: One layer, few tokens: each case is compiled from nothing once, which takes longer the more there is.
SMALL = {"length": 64, "layers": 1, "variants": ("default",)}
MODELS = ["gpt2", "llama", "bert", "vit", "resnet"]

BENCHMARK = Benchmark(
    technique="compile",
    quick=[
        *grid(device="cpu", model="gpt2", phase="train", width=[128, 256, 384], **SMALL),
        *grid(device="cuda", model="gpt2", phase="train", size="base", width=[256, 512, 768]),
        *grid(device="cuda", model=["bert", "llama"], phase="infer", size="base"),
    ],
    standard=[
        *grid(device="cpu", model="gpt2", phase="train", width=[128, 256, 384], **SMALL),
        *grid(device="cpu", model="bert", phase="infer", **SMALL),
        *grid(device="cuda", model="gpt2", phase="train", size="base", width=[256, 512, 768]),
        *grid(device="cuda", model=["llama", "vit"], phase="train", size="base"),
        *grid(device="cuda", model=MODELS, phase="infer", size="base"),
    ],
    full=[
        *grid(device="cpu", model="gpt2", phase="train", width=[64, 128, 256]),
        *grid(device="cpu", model="llama", phase="train", width=[192, 384, 576]),
        *grid(device="cpu", model=["vit", "bert", "resnet"], phase="train"),
        *grid(device="cpu", model=MODELS, phase="infer"),
        *grid(device="cuda", model="gpt2", phase="train", size="base", width=[256, 512, 768, 1024]),
        *grid(device="cuda", model=["llama", "vit", "bert", "resnet"], phase="train", size="base"),
        *grid(device="cuda", model=MODELS, phase="infer", size=["base", "large"]),
    ],
)
