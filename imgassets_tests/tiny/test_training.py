"""The training entry runs every stage, resumes exactly, and names what is missing."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusion3Pipeline

from imgassets.backends.whole_folder import whole_folder
from imgassets.documents.shared_parts import shared_parts
from imgassets.tiny import data, train, upscaler
from imgassets.tiny.loop import Plan, Run, fit
from imgassets.tiny.muon import orthogonalize
from imgassets.tiny.scenes import is_held_out


def test_every_stage_runs_in_a_few_steps(tmp_path: Path) -> None:
    """Two steps of each stage leave loadable folders and a log that names every stage."""
    work, out = tmp_path / "work", tmp_path / "out"
    train.main(["--steps", "2", "--scenes", "6", "--work", str(work), "--out", str(out)])
    for name in ("tiny-base", "tiny-turbo"):
        with whole_folder(out / name) as folder:
            pipeline = StableDiffusion3Pipeline.from_pretrained(
                folder, text_encoder_3=None, tokenizer_3=None
            )
        assert pipeline.tokenizer_max_length == 16
    assert shared_parts(out / "tiny-turbo")["vae"] == out / "tiny-base" / "vae"
    assert not (out / "tiny-turbo" / "vae").exists()
    assert upscaler.load(out / "tiny-x2").scale == 2
    stages = {line.split(",")[1] for line in (out / train.LOG_NAME).read_text().splitlines()[1:]}
    assert stages == set(train.STAGES)


def test_a_stage_without_its_base_says_what_to_run(tmp_path: Path) -> None:
    """Asking for a later stage first names the stage to run."""
    with pytest.raises(train.MissingStageError, match="--stage vae"):
        train.main(["--stage", "base", "--work", str(tmp_path), "--out", str(tmp_path)])


def _fit_a_line(work: Path, steps: int, *, resume: bool, total: int) -> dict[str, torch.Tensor]:
    """Fit a small network for ``steps`` of ``total`` steps and return its weight average."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.Linear(16, 16))

    def loss_of(step: int, generator: torch.Generator) -> torch.Tensor:
        if step == steps:
            raise InterruptedError
        given = torch.randn(8, 16, generator=generator)
        return (model(given) - given.flip(1)).square().mean()

    plan = Plan(steps=total, learning_rate=1e-2, checkpoint_seconds=0.0)
    with contextlib.suppress(InterruptedError):
        fit("line", model, loss_of, plan, Run(work, torch.device("cpu"), resume))
    return torch.load(work / "line.pt", weights_only=True)["average"]


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    """Ten steps in one go, and four then six, end in identical weights."""
    for name in ("once", "twice"):
        (tmp_path / name).mkdir()
    once = _fit_a_line(tmp_path / "once", 10, resume=False, total=10)
    _fit_a_line(tmp_path / "twice", 4, resume=False, total=10)
    twice = _fit_a_line(tmp_path / "twice", 10, resume=True, total=10)
    assert all(torch.equal(once[name], twice[name]) for name in once)


def test_training_never_draws_a_held_out_prompt() -> None:
    """No scene of the training set has a prompt of the held-out set."""
    prompts = [data.training_scene(index, seed=0).prompt for index in range(1500)]
    assert not any(map(is_held_out, prompts))


@pytest.mark.parametrize("shape", [(8, 24), (24, 8), (16, 16)])
def test_orthogonalize_brings_singular_values_near_one(shape: tuple[int, int]) -> None:
    """Whatever the scale of the input, singular values end between 0.3 and 1.3."""
    matrix = 100 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(matrix))
    assert values.min() > 0.3
    assert values.max() < 1.3


def test_the_learning_rate_rises_stays_and_falls_to_zero() -> None:
    """Warm-up, plateau and linear decay follow the plan."""
    plan = Plan(steps=100, learning_rate=1.0, warmup=10, decay=0.5)
    assert plan.rate(0) == pytest.approx(0.1)
    assert plan.rate(30) == 1.0
    assert plan.rate(75) == pytest.approx(0.5)
    assert plan.rate(99) == pytest.approx(0.02)
