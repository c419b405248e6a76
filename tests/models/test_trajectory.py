"""The trajectory pipeline: what it extracts, what it trains, and what it refuses."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from harness.errors import BadInput, Unsupported
from harness.models import _trajectory_nets as nets
from harness.models._trajectory_job import TrajectoryJob
from harness.models.trajectory import make
from harness.workload import Workload


def recipe(way: str = "stream", **given: Any) -> Workload:
    return make(phase="train", size="tiny", **given).with_options(way=way, release=("del",))


def built(way: str = "stream", **given: Any) -> TrajectoryJob:
    job = recipe(way, **given).build()
    assert isinstance(job, TrajectoryJob)
    return job


@pytest.mark.parametrize(("spatial", "positions"), [(7, 49), (14, 196)])
def test_an_image_is_16_layers_of_128_dimensions_at_each_position(spatial: int, positions: int) -> None:
    job = built(images=2, spatial=spatial)
    with torch.no_grad():
        activations = job.extractor(job.batches[0]["images"])
    embeddings = nets.stack_trajectory(activations)
    assert embeddings.shape == (2, positions, 16, 128)
    assert torch.equal(embeddings[1, 5, 3], activations[3][1, 5])
    trajectories = embeddings.reshape(-1, 16, 128)
    assert torch.equal(trajectories[positions + 5], embeddings[1, 5]), "one for each position, in order"


def test_positions_differ_and_so_do_layers() -> None:
    """Else an autoencoder would have one sample only."""
    job = built(images=2)
    with torch.no_grad():
        embeddings = nets.stack_trajectory(job.extractor(job.batches[0]["images"]))
    assert embeddings.std(dim=1).mean() > 0.01
    assert embeddings.std(dim=2).mean() > 0.01


def test_the_extractor_is_frozen_and_the_autoencoder_learns() -> None:
    job = built(batch=6)
    before = [tensor.clone() for tensor in job.extractor.state_dict().values()]
    first = job.step().mean().item()
    for _ in range(15):
        last = job.step().mean().item()
    assert last < first / 2
    assert all(map(torch.equal, before, job.extractor.state_dict().values()))
    assert not any(parameter.requires_grad for parameter in job.extractor.parameters())


@pytest.mark.parametrize("way", ["accumulate", "stream"])
def test_a_step_is_every_image_in_every_epoch_and_the_last_batch_may_hold_fewer(way: str) -> None:
    job = built(way, images=5, batch=2, epochs=2)
    heard: list[int] = []
    job.on_batch = lambda: heard.append(job.elements)
    losses = job.step()
    assert losses.shape == (6,)
    assert (losses > 0).all()
    assert job.samples == 10
    image = 49 * 16 * 128
    once = [2 * image, 4 * image, 5 * image]
    assert heard == (once if way == "accumulate" else [*once, *(5 * image + more for more in once)])


def test_a_batch_that_holds_the_whole_data_set_counts_what_it_holds() -> None:
    assert built(images=3, batch=64).batch_bytes == 3 * 49 * 16 * 128 * 4


def test_the_same_seed_gives_the_same_job_and_another_seed_another() -> None:
    one, same, other = (built(images=4, seed=seed).step().clone() for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_extractor_is_the_same_whatever_a_technique_draws() -> None:
    def drawing(model: torch.nn.Module) -> torch.nn.Module:
        torch.rand(7)
        return model

    plain, drawn = recipe().build(), recipe().edited(drawing).build()
    assert isinstance(plain, TrajectoryJob)
    assert isinstance(drawn, TrajectoryJob)
    assert all(map(torch.equal, plain.extractor.parameters(), drawn.extractor.parameters()))


def test_a_variational_autoencoder_pays_for_its_divergence() -> None:
    batch = {"trajectories": torch.zeros(4, 16, 128)}
    model = nets.Autoencoder(vae=True)
    with torch.no_grad():
        found = model(batch["trajectories"])
        for layer in (model.mean, model.log_variance):
            assert layer is not None
            layer.weight.zero_()
            layer.bias.zero_()
        at_rest = nets.loss(model, batch)
        model.mean.bias.fill_(100.0)
        away = nets.loss(model, batch)
    assert found.mean.shape == found.log_variance.shape == (4, 64)
    assert away - at_rest >= nets.BETA * 100**2 / 2 * 0.99


def test_lora_trains_adapters_of_every_linear_layer_and_nothing_else() -> None:
    job = built(adapt="lora", images=4)
    before = {name: tensor.clone() for name, tensor in job.model.state_dict().items()}
    job.step()
    job.step()
    moved = {n for n, tensor in job.model.state_dict().items() if not torch.equal(tensor, before[n])}
    adapters = {name for name in before if "lora_" in name}
    assert moved == adapters
    assert len(adapters) == 2 * 4, "two matrices each for hidden, mean and the decoder's two layers"
    assert {name for name in job.evidence() if name != "loss"} == adapters


def test_lora_without_peft_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(Unsupported, match="pip install 'peft"):
        built(adapt="lora")
    built(images=2)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"images": 0}, "images of trajectory must be a whole number"),
        ({"batch": True}, "batch of trajectory must be a whole number"),
        ({"epochs": 1.5}, "epochs of trajectory must be a whole number"),
        ({"adapt": "qlora"}, "adapt of trajectory must be one of none, lora"),
        ({"spatial": 8}, "spatial of trajectory must be one of 7, 14"),
        ({"resolution": 30}, "resolution of trajectory must be a multiple of 7.*28 or 35"),
        ({"width": 33}, "width of trajectory must be a multiple of 16"),
        ({"vae": 1}, "vae of trajectory must be true or false"),
        ({"image": 4}, "did you mean images"),
        ({"size": "smal"}, "did you mean small"),
        ({"phase": "infer"}, "only the phase train"),
    ],
)
def test_bad_parameters_are_told_in_one_line(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says) as told:
        make(**{"phase": "train", "size": "tiny", **given})
    assert "\n" not in str(told.value)


def test_an_unknown_way_is_told_and_what_building_had_changed_is_undone() -> None:
    entered: list[str] = []

    @contextlib.contextmanager
    def setting() -> Iterator[None]:
        entered.append("in")
        yield
        entered.append("out")

    with pytest.raises(BadInput, match="no way of trajectory 'strem'; did you mean stream"):
        recipe("strem").with_during(setting).build()
    assert entered == ["in", "out"]


def test_the_recipe_needs_no_torch() -> None:
    code = """
import sys
from harness.models.trajectory import make
make(phase="train").with_options(way="stream")
sys.exit("torch" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
