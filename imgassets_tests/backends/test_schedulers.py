"""Every scheduler of diffusers on four pipelines: a request's seed alone decides its image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from imgassets.backends.base import BackendError
from imgassets.backends.diffusers_backend import DiffusersBackend
from imgassets.backends.noise import own_noise
from imgassets.backends.registry import open_backend
from imgassets.documents import installed_diffusers
from imgassets.documents.scheduler_settings import adds_noise, check_settings
from imgassets_tests.backends.conftest import asked, document

Small = Callable[[str], Path]
#: What each pipeline cannot run by, beside what `check` refuses for all of them.
NOT_FOR = {
    # UnCLIP and Wuerstchen have pipelines of their own; Helios and Piflow too.
    "sd3": {"DDPMWuerstchenScheduler", "UnCLIPScheduler", "HeliosScheduler", "HeliosDMDScheduler",
            "PiflowScheduler", "PNDMScheduler", "KarrasVeScheduler", "SCMScheduler"},
    "sdxl": {"DDPMWuerstchenScheduler", "UnCLIPScheduler", "HeliosScheduler", "HeliosDMDScheduler",
             "PiflowScheduler", "PNDMScheduler", "KarrasVeScheduler", "MiniMaxH3Scheduler",
             "FlowMapEulerDiscreteScheduler", "LTXEulerAncestralRFScheduler", "SCMScheduler",
             "CMStochasticIterativeScheduler", "EDMDPMSolverMultistepScheduler",
             "EDMEulerScheduler", "FlowMatchEulerDiscreteScheduler",
             "FlowMatchHeunDiscreteScheduler", "FlowMatchLCMScheduler"},
}  # fmt: skip
MORE_SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("FlowMatchEulerDiscreteScheduler", {"stochastic_sampling": True}),
    ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", "solver_order": 3}),
    ("DPMSolverMultistepScheduler",
     {"algorithm_type": "sde-dpmsolver", "final_sigmas_type": "sigma_min"}),
    ("DPMSolverSinglestepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    ("EDMDPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
]  # fmt: skip


def acceptable() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every scheduler with its defaults that `check` lets through, and then some settings."""
    for name in sorted(installed_diffusers.schedulers()):
        if not list(check_settings(name, {})):
            yield name, {}
    yield from MORE_SETTINGS


CASES = list(acceptable())
NAMES = [f"{name}-{'-'.join(map(str, settings.values()))}".rstrip("-") for name, settings in CASES]


@pytest.fixture(scope="module")
def backends(small: Small) -> Callable[[str], DiffusersBackend]:
    """A loaded small pipeline by name; tests give it another scheduler."""
    opened: dict[str, DiffusersBackend] = {}

    def backend(name: str) -> DiffusersBackend:
        if name not in opened:
            found = open_backend(Path("unused"), document(name, small(name)), "cpu")
            assert isinstance(found, DiffusersBackend)
            opened[name] = found
        return opened[name]

    return backend


def scheduled(backend: DiffusersBackend, name: str, settings: dict[str, Any]) -> int:
    """Give the pipeline a scheduler; how many steps it needs at least."""
    pipeline = backend.pipeline
    kept = getattr(pipeline, "kept_config", None) or pipeline.scheduler.config
    pipeline.kept_config = kept
    pipeline.scheduler = getattr(diffusers, name).from_config(kept, **settings)
    return 2 if name == "SCMScheduler" else 3


def images(backend: DiffusersBackend, steps: int, *seeds: int) -> list[np.ndarray]:
    sampling = asked(backend._model)["sampling"] | {"steps": steps}
    made = backend.generate([asked(backend._model, seed=s, sampling=sampling) for s in seeds])
    assert all(o.image is not None for o in made), made[0].message
    return [np.asarray(outcome.image) for outcome in made]


def check_seeds(backend: DiffusersBackend, steps: int) -> None:
    one, two = images(backend, steps, 1, 2)
    again, _ = images(backend, steps, 1, 2)
    swapped_two, swapped_one = images(backend, steps, 2, 1)
    beside_another, _ = images(backend, steps, 1, 3)
    assert np.array_equal(one, again), "the same request twice"
    assert np.array_equal(one, swapped_one), "the order of seeds"
    assert np.array_equal(two, swapped_two), "the order of seeds"
    assert np.array_equal(one, beside_another), "the neighbour in the batch"
    assert not np.array_equal(one, two), "another seed is another image"


@pytest.mark.parametrize("pipeline", ["sd3", "sdxl"])
@pytest.mark.parametrize(("name", "settings"), CASES, ids=NAMES)
def test_the_seed_decides_the_image(
    name: str, settings: dict[str, Any], pipeline: str, backends: Callable[[str], DiffusersBackend]
) -> None:
    """Same request twice, order of seeds, batch neighbours: equal bit by bit."""
    if name in NOT_FOR[pipeline]:
        pytest.skip(f"{pipeline} cannot run by it")
    backend = backends(pipeline)
    check_seeds(backend, scheduled(backend, name, settings))


@pytest.mark.parametrize(
    ("pipeline", "name", "settings"),
    [
        ("flux", "FlowMatchEulerDiscreteScheduler", {"stochastic_sampling": True}),
        ("flux", "FlowMatchEulerDiscreteScheduler", {}),
        ("flux", "FlowMatchLCMScheduler", {}),
        ("sd15", "EulerAncestralDiscreteScheduler", {}),
        ("sd15", "LCMScheduler", {}),
        ("sd15", "DDPMScheduler", {}),
        ("sd15", "DDIMScheduler", {}),
        ("sd15", "DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    ],
)
def test_other_pipelines_as_well(
    pipeline: str, name: str, settings: dict[str, Any],
    backends: Callable[[str], DiffusersBackend],
) -> None:  # fmt: skip
    """FLUX hands no generator to its scheduler, Stable Diffusion 1.5 does."""
    backend = backends(pipeline)
    check_seeds(backend, scheduled(backend, name, settings))


@pytest.mark.parametrize("flow", ["stylize", "edit"])
def test_repainted_images_too(flow: str, backends: Callable[[str], DiffusersBackend]) -> None:
    """The pipelines around the same weights draw noise of the seed as well."""
    from PIL import Image

    backend = open_noisy(backends("sd3"))
    source = Image.new("RGB", (64, 64), "teal")

    def made(*seeds: int) -> list[np.ndarray]:
        inputs = [asked(backend._model, flow, seed=s) for s in seeds]
        return [np.asarray(o.image) for o in getattr(backend, flow)(inputs, [source] * len(seeds))]

    (one, two), (again, other) = made(1, 2), made(1, 3)
    two_first, one_second = made(2, 1)
    assert np.array_equal(one, again)
    assert np.array_equal(one, one_second)
    assert np.array_equal(two, two_first)
    assert not np.array_equal(two, other)


def open_noisy(backend: DiffusersBackend) -> DiffusersBackend:
    folder = Path(backend._loader.folder)
    settings = {"stochastic_sampling": True}
    model = document(
        "sd3",
        folder,
        scheduler={"class": "FlowMatchEulerDiscreteScheduler", "settings": settings},
    )
    found = open_backend(Path("unused"), model, "cpu")
    assert isinstance(found, DiffusersBackend)
    return found


@pytest.mark.parametrize(("name", "settings"), CASES, ids=NAMES)
def test_which_schedulers_add_noise_is_known(
    name: str, settings: dict[str, Any], backends: Callable[[str], DiffusersBackend]
) -> None:
    """The image key of a noisy scheduler tells of its noise; the list agrees with diffusers."""
    if name in NOT_FOR["sd3"]:
        pytest.skip("SD3 cannot run by it")
    backend = backends("sd3")
    steps = 2 if scheduled(backend, name, settings) == 2 else 14
    pipeline, generators = backend.pipeline, [torch.Generator().manual_seed(1)]
    # The initial latents alone are drawn when no step adds noise.
    untouched = torch.Generator().manual_seed(1)
    torch.randn((1, 16, 8, 8), generator=untouched)
    with torch.inference_mode(), own_noise(pipeline.scheduler, generators):
        pipeline("a", height=64, width=64, num_inference_steps=steps, generator=generators,
                 output_type="latent")  # fmt: skip
    drawn = not torch.equal(generators[0].get_state(), untouched.get_state())
    assert drawn == adds_noise(name, settings)


def test_what_no_seed_decides_is_refused() -> None:
    """A scheduler that draws from torch's global generator is an error, not another image."""

    class Careless:
        def step(self, model_output: torch.Tensor, timestep: int, sample: torch.Tensor) -> Any:
            return sample + torch.rand_like(sample)

    scheduler = Careless()
    with (
        own_noise(scheduler, [torch.Generator().manual_seed(1)]),
        pytest.raises(BackendError, match="rand_like what no seed decides; name another"),
    ):
        scheduler.step(torch.zeros(1), 0, torch.zeros(1))
    assert "step" not in vars(scheduler)


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        (
            {"class": "DDPMScheduler", "settings": {"num_train_timesteps": -5}},
            "scheduler DDPMScheduler cannot be made with these settings",
        ),
        (
            {"class": "EulerDiscreteScheduler",
             "settings": {"use_karras_sigmas": True, "use_beta_sigmas": True}},
            "Only one of",
        ),
        ({"class": "DDPMScheduler", "settings": {"beta_schedule": "karras"}}, "karras"),
        ({"class": "DPMSolverSDEScheduler"}, "cannot be made|noise|torchsde"),
    ],
)  # fmt: skip
def test_settings_that_no_scheduler_takes_are_the_documents_fault(
    scheduler: dict[str, Any], message: str, small: Small
) -> None:
    """An error of one line that names the scheduler, and no failed image of the model."""
    if scheduler["class"] == "DPMSolverSDEScheduler":
        try:
            import torchsde  # noqa: F401
        except ImportError:
            pass
        else:
            pytest.skip("torchsde is here")
    backend = open_backend(Path("x"), document("sd3", small("sd3"), scheduler=scheduler), "cpu")
    with pytest.raises(BackendError, match=message) as caught:
        backend.generate([asked(document("sd3", small("sd3")))])
    assert "\n" not in str(caught.value)
    assert "correct `scheduler`" in str(caught.value)


@pytest.mark.parametrize(
    ("pipeline", "class_", "words"),
    [
        ("sdxl", "FlowMatchEulerDiscreteScheduler", "no attribute 'init_noise_sigma'"),
        ("sd15", "FlowMatchLCMScheduler", "no attribute 'init_noise_sigma'"),
        ("sd3", "UnCLIPScheduler", "no attribute 'order'"),
        ("sd3", "HeliosScheduler", "KeyError"),
        ("sd3", "SCMScheduler", "SCM is not supported when num_inference_steps"),
        ("flux", "EulerAncestralDiscreteScheduler", "does not support custom sigmas"),
    ],
)
def test_a_scheduler_of_another_kind_is_the_documents_fault(
    pipeline: str, class_: str, words: str, small: Small
) -> None:
    """A pipeline that cannot sample by the scheduler says nothing of the model."""
    sampling = {"steps": 3, "guidance_scale": 4.0, "max_sequence_length": 16}
    model = document(pipeline, small(pipeline), scheduler={"class": class_}, sampling=sampling)
    (outcome,) = open_backend(Path("x"), model, "cpu").generate([asked(model)])
    assert outcome.failure == "bad_document", outcome
    assert words in outcome.message
