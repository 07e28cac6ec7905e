"""Schedulers as `check` reads them: names of other tools, settings that cannot be, packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from imgassets.documents import installed_diffusers, scheduler_names
from imgassets.documents.project import load_project
from imgassets.documents.scheduler_settings import check_settings
from imgassets.requests import build_requests
from imgassets_tests.conftest import edit_file

MODEL = "contracts/models/fast.yaml"
CLASS, SETTINGS = "class: FlowMatchEulerDiscreteScheduler", "settings: {shift: 2.0}"


def problems(root: Path) -> str:
    return "\n".join(str(p) for p in load_project(root).problems)


@pytest.mark.parametrize(
    ("name", "class_", "settings"),
    [
        ("DPM++ 2M Karras", "DPMSolverMultistepScheduler", "use_karras_sigmas: true"),
        ("DPM++ 2M SDE Karras", "DPMSolverMultistepScheduler", "sde-dpmsolver++, use_karras"),
        ("dpmpp_2m_sde_gpu", "DPMSolverMultistepScheduler", "algorithm_type: sde-dpmsolver++"),
        ("DPM++ 3M SDE Exponential", "DPMSolverMultistepScheduler", "solver_order: 3"),
        ("DPM++ SDE Karras", "DPMSolverSDEScheduler", "use_karras_sigmas: true"),
        ("dpmpp_2m_k", "DPMSolverMultistepScheduler", "use_karras_sigmas: true"),
        ("sample_dpmpp_2m", "DPMSolverMultistepScheduler", ""),
        ("Euler a", "EulerAncestralDiscreteScheduler", ""),
        ("euler_ancestral", "EulerAncestralDiscreteScheduler", ""),
        ("k_euler", "EulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"),
        ("Euler Beta", "EulerDiscreteScheduler", "use_beta_sigmas: true"),
        ("Euler SGM Uniform", "EulerDiscreteScheduler", "timestep_spacing: trailing"),
        ("DDIM", "DDIMScheduler", ""),
        ("PLMS", "PNDMScheduler", "skip_prk_steps: true"),
        ("UniPC", "UniPCMultistepScheduler", ""),
        ("uni_pc_bh2", "UniPCMultistepScheduler", "solver_type: bh2"),
        ("dpm_2_ancestral", "KDPM2AncestralDiscreteScheduler", ""),
        ("LMS Karras", "LMSDiscreteScheduler", "use_karras_sigmas: true"),
        ("LCM", "LCMScheduler", "FlowMatchLCMScheduler"),
        ("karras", "a schedule of sigmas, not a scheduler", "use_karras_sigmas: true"),
        ("DPM adaptive", "diffusers has nothing like it", ""),
    ],
)
def test_names_of_other_tools(name: str, class_: str, settings: str, project_root: Path) -> None:
    """The problem names the class and the settings that they mean."""
    edit_file(project_root / MODEL, CLASS, f'class: "{name}"')
    found = problems(project_root)
    assert f"scheduler.class: diffusers has no scheduler {name!r}" in found
    assert class_ in found
    assert settings in found


def test_a_name_alone_is_told_what_to_write(project_root: Path) -> None:
    text = (project_root / MODEL).read_text()
    block = text[text.index("scheduler:") : text.index("sampling:")]
    edit_file(project_root / MODEL, block, "scheduler: DPM++ 2M Karras\n")
    assert "class: DPMSolverMultistepScheduler, settings: {use_karras" in problems(project_root)
    edit_file(project_root / MODEL, "DPM++ 2M Karras", "DDIMScheduler")
    assert "write `{class: DDIMScheduler}`" in problems(project_root)


def test_what_the_names_mean_is_there() -> None:
    """Every class and setting of the table is one that diffusers has, and fits."""
    for class_, settings in scheduler_names._SAMPLERS.values():
        for schedule in scheduler_names._SCHEDULES.values():
            known = installed_diffusers.scheduler_settings(class_)
            assert known is not None
            assert set(settings) <= set(known)
            fitting = {k: v for k, v in (settings | schedule).items() if k in known}
            found = [f for f in check_settings(class_, fitting) if "package" not in f.message]
            assert not found, (class_, fitting)


def test_every_default_of_diffusers_is_valid() -> None:
    """Writing a default out is never a problem; the annotations are read rightly."""
    import diffusers

    for name in sorted(installed_diffusers.schedulers() - {"KarrasVeScheduler"}):
        if list(check_settings(name, {})):
            continue
        defaults = dict(getattr(diffusers, name)().config)
        plain = {k: v for k, v in defaults.items() if isinstance(v, (int, float, str, type(None)))}
        plain = {k: v for k, v in plain.items() if not k.startswith("_")}
        assert not list(check_settings(name, plain)), name


MULTISTEP = "DPMSolverMultistepScheduler"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"use_karras_sigmas": True, "use_beta_sigmas": True}, "takes only one of"),
        ({"use_karras_sigmas": True, "use_exponential_sigmas": True}, "takes only one of"),
        ({"solver_order": "two"}, "takes a whole number here, not 'two'"),
        ({"solver_order": 2.5}, "takes a whole number here, not 2.5"),
        ({"solver_order": True}, "takes a whole number here, not true"),
        ({"beta_start": "small"}, "takes a number here"),
        ({"beta_start": None}, "takes a number here, not null"),
        ({"beta_start": float("nan")}, "takes a number here, not nan"),
        ({"use_karras_sigmas": 1}, "takes true or false here, not 1"),
        ({"use_karras_sigmas": "on"}, "takes true or false here, not 'on'"),
        ({"algorithm_type": "sde"}, "takes one of dpmsolver, dpmsolver++, sde-dpmsolver"),
        ({"beta_schedule": "karras"}, "takes one of the words"),
        ({"beta_schedule": 3}, "takes one of the words"),
        ({"trained_betas": "x"}, "takes no value that a document can hold"),
        ({"algorithm_type": "dpmsolver"}, "cannot end at a sigma of zero"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    found = list(check_settings(MULTISTEP, settings))
    assert [message in f.message for f in found] == [True], found
    assert found[0].fix


@pytest.mark.parametrize(
    "settings",
    [
        {"use_karras_sigmas": True},
        {"use_karras_sigmas": True, "use_beta_sigmas": False},
        {"beta_start": 1},
        {"algorithm_type": "sde-dpmsolver++", "solver_type": "heun"},
        {"algorithm_type": "deis"},  # diffusers reads it as dpmsolver++
        {"algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min"},
        {"variance_type": None},
        {"lambda_min_clipped": float("-inf")},
    ],
)
def test_settings_that_can_be(settings: dict[str, Any]) -> None:
    assert not list(check_settings(MULTISTEP, settings))


def test_a_bad_setting_is_shown_with_its_line(project_root: Path) -> None:
    flags = "settings: {use_karras_sigmas: true, use_beta_sigmas: true}"
    edit_file(project_root / MODEL, SETTINGS, flags)
    (problem,) = load_project(project_root).problems
    assert (problem.line, problem.field) == (7, "scheduler.settings.use_beta_sigmas")


@pytest.mark.parametrize(
    ("class_", "message"),
    [
        ("VQDiffusionScheduler", "needs num_vec_classes; no image is made by it"),
        ("RePaintScheduler", "needs original_image, mask"),
        ("CogVideoXDPMScheduler", "needs old_pred_original_sample, timestep_back"),
        ("ScoreSdeVeScheduler", "another way of stepping"),
        ("EntropyBoundScheduler", "samples words"),
        ("DDIMInverseScheduler", "goes from an image back to noise"),
    ],
)
def test_schedulers_that_make_no_image(class_: str, message: str, project_root: Path) -> None:
    edit_file(project_root / MODEL, CLASS, f"class: {class_}")
    edit_file(project_root / MODEL, SETTINGS, "settings: {}")
    assert message in problems(project_root)


def test_a_missing_package_is_named(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torchsde and scipy, whether they are installed here or not."""
    found = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name in ("torchsde", "scipy") else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    assert "needs the package torchsde" in next(check_settings("DPMSolverSDEScheduler", {})).message
    assert "torchsde" in next(check_settings("CosineDPMSolverMultistepScheduler", {})).message
    assert "scipy" in next(check_settings("LMSDiscreteScheduler", {})).message
    (beta,) = check_settings(MULTISTEP, {"use_beta_sigmas": True})
    assert "scipy" in beta.message
    edit_file(project_root / MODEL, CLASS, "class: DPMSolverSDEScheduler")
    edit_file(project_root / MODEL, SETTINGS, "settings: {}")
    assert "scheduler.class: DPMSolverSDEScheduler needs the package" in problems(project_root)


def test_one_noise_for_all_images_is_refused() -> None:
    settings = {"noise_sampler_seed": 7}
    (found,) = (f for f in check_settings("DPMSolverSDEScheduler", settings) if f.setting)
    assert "the same noise" in found.message


# ---- image keys ----------------------------------------------------------------------------


def generator(root: Path) -> dict[str, Any]:
    return build_requests(load_project(root), "cards", "fast", "cpu")[0].inputs["generator"]


def test_noise_is_told_in_the_key_of_noisy_schedulers_alone(project_root: Path) -> None:
    """Images whose noise once came from elsewhere are other images; all others keep their key."""
    assert "noise" not in generator(project_root)
    edit_file(project_root / MODEL, SETTINGS, "settings: {stochastic_sampling: true}")
    assert generator(project_root)["noise"] == "of each image's seed"
    edit_file(project_root / MODEL, CLASS, "class: EulerAncestralDiscreteScheduler")
    edit_file(project_root / MODEL, "settings: {stochastic_sampling: true}", "settings: {}")
    assert "noise" in generator(project_root)
