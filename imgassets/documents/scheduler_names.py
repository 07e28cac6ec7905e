"""What other tools call a scheduler, and the class and settings of diffusers that they mean.

Names of AUTOMATIC1111's and Forge's list ("DPM++ 2M Karras"), of ComfyUI (`dpmpp_2m`, `karras`) and
of InvokeAI (`dpmpp_2m_k`). After the table in diffusers' documentation of its schedulers.
"""

from __future__ import annotations

import re
from typing import Any

Settings = dict[str, Any]
_SDE: Settings = {"algorithm_type": "sde-dpmsolver++"}
#: Samplers by their name in lower case without blanks, dashes and underscores.
_SAMPLERS: dict[str, tuple[str, Settings]] = {
    "euler": ("EulerDiscreteScheduler", {}),
    "eulera": ("EulerAncestralDiscreteScheduler", {}),
    "eulerancestral": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "plms": ("PNDMScheduler", {"skip_prk_steps": True}),
    "pndm": ("PNDMScheduler", {"skip_prk_steps": True}),
    "unipc": ("UniPCMultistepScheduler", {}),
    "unipcbh2": ("UniPCMultistepScheduler", {"solver_type": "bh2"}),
    "deis": ("DEISMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
    "tcd": ("TCDScheduler", {}),
    "ipndm": ("IPNDMScheduler", {}),
    "sasolver": ("SASolverScheduler", {}),
    "dpm2": ("KDPM2DiscreteScheduler", {}),
    "kdpm2": ("KDPM2DiscreteScheduler", {}),
    "dpm2a": ("KDPM2AncestralDiscreteScheduler", {}),
    "kdpm2a": ("KDPM2AncestralDiscreteScheduler", {}),
    "dpm2ancestral": ("KDPM2AncestralDiscreteScheduler", {}),
    "dpm++2m": ("DPMSolverMultistepScheduler", {}),
    "dpm++2mstable": ("DPMSolverMultistepScheduler", {"euler_at_final": True}),
    "dpm++2mlu": ("DPMSolverMultistepScheduler", {"use_lu_lambdas": True}),
    "dpm++3m": ("DPMSolverMultistepScheduler", {"solver_order": 3}),
    "dpm++2msde": ("DPMSolverMultistepScheduler", _SDE),
    "dpm++2msdeheun": ("DPMSolverMultistepScheduler", _SDE | {"solver_type": "heun"}),
    "dpm++3msde": ("DPMSolverMultistepScheduler", _SDE | {"solver_order": 3}),
    "dpm++2s": ("DPMSolverSinglestepScheduler", {}),
    "dpm++2sa": ("DPMSolverSinglestepScheduler", {}),
    "dpm++2sancestral": ("DPMSolverSinglestepScheduler", {}),
    "dpm++sde": ("DPMSolverSDEScheduler", {}),
}
#: Schedules of sigmas that follow a sampler's name, or stand alone.
_SCHEDULES: dict[str, Settings] = {
    "karras": {"use_karras_sigmas": True},
    "exponential": {"use_exponential_sigmas": True},
    "beta": {"use_beta_sigmas": True},
    "sgmuniform": {"timestep_spacing": "trailing"},
    "trailing": {"timestep_spacing": "trailing"},
    "uniform": {"timestep_spacing": "leading"},
    "ddimuniform": {"timestep_spacing": "leading"},
    "automatic": {},
    "normal": {},
    "simple": {},
}
#: Known to other tools and to no class of diffusers.
_NOWHERE = {"dpmfast", "dpmadaptive", "heunpp2", "resmultistep", "ddimcfg++", "restart"}
_FOR_FLOWS = {
    "EulerDiscreteScheduler": "FlowMatchEulerDiscreteScheduler",
    "HeunDiscreteScheduler": "FlowMatchHeunDiscreteScheduler",
    "LCMScheduler": "FlowMatchLCMScheduler",
}


def hint(name: str) -> str | None:
    """What to write instead of another tool's name; None for a name that none is known to use.

    Args:
        name: as written in a document, such as `DPM++ 2M Karras`.
    """
    short = _short(name)
    if short in _SCHEDULES:
        needed = _written(_SCHEDULES[short])
        add = f"name the class, with settings: {needed}" if needed else "name the class alone"
        return f"{name!r} is a schedule of sigmas, not a scheduler: {add}"
    if short in _NOWHERE:
        return f"other tools know {name!r}, diffusers has nothing like it; choose another class"
    found = _parts(short)
    if found is None:
        return None
    class_, settings = found
    text = f"class: {class_}" + (f", settings: {_written(settings)}" if settings else "")
    flow = _FOR_FLOWS.get(class_)
    return f"other tools' {name!r} is `{{{text}}}`" + (
        f"; for flow models (SD3, FLUX) it is {flow}" if flow else ""
    )


def _short(name: str) -> str:
    plain = re.sub(r"[\s_\-]+", "", name.lower())
    plain = plain.replace("dpmpp", "dpm++").replace("cfgpp", "cfg++").removesuffix("gpu")
    for prefix in ("sample", "k"):  # k-diffusion's functions, and `k_euler`
        rest = plain.removeprefix(prefix)
        if _parts(rest) and plain not in _SAMPLERS:
            return rest
    return plain


def _parts(short: str) -> tuple[str, Settings] | None:
    if short in _SAMPLERS:
        return _SAMPLERS[short]
    endings = _SCHEDULES | {"k": _SCHEDULES["karras"]}  # InvokeAI's `_k`
    for ending in sorted(endings, key=len, reverse=True):
        sampler = short.removesuffix(ending)
        if sampler != short and sampler in _SAMPLERS:
            class_, settings = _SAMPLERS[sampler]
            return class_, settings | endings[ending]
    return None


def _written(settings: Settings) -> str:
    """Settings as YAML would have them on one line; empty for none."""
    words = [f"{k}: {str(v).lower() if isinstance(v, bool) else v}" for k, v in settings.items()]
    return "{" + ", ".join(words) + "}" if words else ""
