"""What can be known of a scheduler before it is loaded: whether it fits, and whether it adds noise.

Read off the source text of the installed diffusers; importing it would take seconds.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from imgassets.documents import installed_diffusers
from imgassets.documents.installed_diffusers import Argument

_SIGMA_FLAGS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
#: Arguments that every pipeline gives to a scheduler's `step`.
_GIVEN = {"self", "model_output", "timestep", "sample"}

#: Schedulers that add noise in every run.
_NOISY = {
    "CMStochasticIterativeScheduler", "CosineDPMSolverMultistepScheduler", "DDPMParallelScheduler",
    "DDPMScheduler", "DDPMWuerstchenScheduler", "DPMSolverSDEScheduler",
    "EulerAncestralDiscreteScheduler", "FlowMatchLCMScheduler", "KDPM2AncestralDiscreteScheduler",
    "LCMScheduler", "LTXEulerAncestralRFScheduler", "SASolverScheduler", "SCMScheduler",
    "TCDScheduler", "UnCLIPScheduler",
}  # fmt: skip


class Found(NamedTuple):
    """Something to mend: the setting (None: the class), what is wrong, and what to do."""

    setting: str | None
    message: str
    fix: str


def adds_noise(class_: str, settings: dict[str, Any]) -> bool:
    """Whether a scheduler with these settings draws random numbers while it samples."""
    algorithm = str(settings.get("algorithm_type", ""))
    return (
        class_ in _NOISY
        or algorithm.startswith("sde-")
        or bool(settings.get("stochastic_sampling", False))
    )


def check_settings(class_: str, settings: dict[str, Any]) -> Iterator[Found]:
    """What is wrong with the settings of a scheduler that diffusers has; unknown names apart."""
    yield from _fits(class_)
    yield from _packages(class_, settings)
    known = {
        argument.name: argument for argument in installed_diffusers.init_arguments(class_) or ()
    }
    for name, value in settings.items():
        if name in known:
            yield from _value(class_, known[name], value)
    chosen = [name for name in _SIGMA_FLAGS if settings.get(name) is True]
    if len(chosen) > 1:
        yield Found(
            chosen[-1],
            f"{class_} takes only one of {', '.join(chosen)}",
            "keep one of them; each is another schedule of sigmas",
        )
    first_order = settings.get("algorithm_type") in ("dpmsolver", "sde-dpmsolver")
    ends_at_zero = settings.get("final_sigmas_type", "zero") == "zero"
    if first_order and "final_sigmas_type" in known and ends_at_zero:
        yield Found(
            "algorithm_type",
            f"{settings['algorithm_type']} cannot end at a sigma of zero",
            "add `final_sigmas_type: sigma_min`, or write dpmsolver++ or sde-dpmsolver++",
        )
    if settings.get("noise_sampler_seed") is not None:
        yield Found(
            "noise_sampler_seed",
            "one number would give all images the same noise",
            "drop it; each image's noise comes from its own seed",
        )


def _fits(class_: str) -> Iterator[Found]:
    """Schedulers of other pipelines than those that turn noise into an image step by step."""
    step, init = (
        installed_diffusers.step_arguments(class_),
        installed_diffusers.init_arguments(class_),
    )
    needed = [a.name for a in step or () if a.required and a.name not in _GIVEN]
    needed += [a.name for a in init or () if a.required and a.name != "self"]
    if init is not None and step is None:
        needed = ["another way of stepping"]
    why = f"needs {', '.join(needed)}" if needed else _OTHER_USES.get(class_)
    if why:
        yield Found(None, f"{class_} {why}; no image is made by it", "name another class")


_TOKENS, _BACK = "samples words, not pictures", "goes from an image back to noise"
_OTHER_USES = {
    "BlockRefinementScheduler": _TOKENS,
    "DiscreteDDIMScheduler": _TOKENS,
    "EntropyBoundScheduler": _TOKENS,
    "DDIMInverseScheduler": _BACK,
    "DPMSolverMultistepInverseScheduler": _BACK,
}


def _packages(class_: str, settings: dict[str, Any]) -> Iterator[Found]:
    needed = installed_diffusers.package_of(class_)
    if needed and importlib.util.find_spec(needed) is None:
        yield Found(
            None,
            f"{class_} needs the package {needed}, which is not installed here",
            f"pip install {needed}, or name another class",
        )
    if settings.get("use_beta_sigmas") is True and importlib.util.find_spec("scipy") is None:
        yield Found("use_beta_sigmas", "needs the package scipy", "pip install scipy")


# ---- values --------------------------------------------------------------------------------


def _value(class_: str, argument: Argument, value: Any) -> Iterator[Found]:
    wanted = _wanted(class_, argument, value)
    if wanted:
        shown = str(value).lower() if isinstance(value, bool) else repr(value)
        yield Found(
            argument.name,
            f"{class_} takes {wanted} here, not {'null' if value is None else shown}",
            "leave it out" if wanted.startswith("no value") else f"write {wanted}",
        )


def _wanted(class_: str, argument: Argument, value: Any) -> str | None:
    """What a setting must be, in words, where it is not; None where it may be what it is."""
    kinds = argument.kinds
    if not kinds:
        return None  # the source does not say
    match value:
        case None:
            fits = "None" in kinds or argument.default_is_none
        case bool():
            fits = "bool" in kinds
        case int():
            fits = bool({"int", "float"} & kinds)
        case float():
            fits = "float" in kinds and not math.isnan(value)
        case _:
            # Annotations leave out words that the source takes; those are all named in it.
            listed = argument.words or argument.name == "beta_schedule"
            named = bool(listed) and installed_diffusers.says(class_, str(value))
            fits = named or ("str" in kinds and not listed)
    return None if fits else _in_words(argument)


def _in_words(argument: Argument) -> str:
    if argument.words:
        return "one of " + ", ".join(argument.words)
    words = {"bool": "true or false", "int": "a whole number", "float": "a number",
             "str": "one of the words that diffusers' documentation lists"}  # fmt: skip
    kinds = argument.kinds - ({"int"} if "float" in argument.kinds else set())
    said = [words[k] for k in ("bool", "int", "float", "str") if k in kinds]
    return " or ".join(said) or "no value that a document can hold"
