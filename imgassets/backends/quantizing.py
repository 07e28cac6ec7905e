"""Quantization as the model document asks for it: configurations of diffusers and transformers.

Each component gets the config class of the library it comes from. One configuration for a whole
pipeline, which diffusers offers too, is refused by diffusers 0.42 for torchao and quanto, since
the classes of the two libraries take different arguments.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from imgassets.documents.pipeline_options import Quantization
from imgassets.documents.weights import component_libraries

#: Import name of each package that quantizes.
_MODULES = {"bitsandbytes": "bitsandbytes", "torchao": "torchao", "optimum-quanto": "optimum"}


class QuantizationError(ValueError):
    """The message names the package or the setting, and the fix."""


def quantization_config(asked: Quantization, folder: Path) -> Any:
    """A `PipelineQuantizationConfig` for the components of a diffusers folder.

    For torchao, `quant_type` names a config class of `torchao.quantization`; the other settings
    are its arguments.

    Raises:
        QuantizationError: the package is absent, or does not take these settings.
    """
    if find_spec(_MODULES[asked.package]) is None:
        raise QuantizationError(
            f"quantization by {asked.backend} needs the package {asked.package}: pip install "
            f"{asked.package}, or drop `loading.quantization`"
        )
    from diffusers import PipelineQuantizationConfig

    libraries = component_libraries(folder)
    try:
        settings = _torchao(asked.settings) if asked.backend == "torchao" else dict(asked.settings)
        return PipelineQuantizationConfig(
            quant_mapping={
                name: _config_class(libraries[name], asked.backend)(**settings)
                for name in asked.components
            }
        )
    except KeyError as error:
        raise QuantizationError(
            f"loading.quantization: no {error}; the components are {', '.join(libraries)}"
        ) from error
    except (AttributeError, ImportError, TypeError, ValueError) as error:
        raise QuantizationError(f"loading.quantization: {error}") from error


def _config_class(library: str, backend: str) -> Any:
    if library == "diffusers":
        from diffusers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING
    else:
        from transformers.quantizers.auto import AUTO_QUANTIZATION_CONFIG_MAPPING
    return AUTO_QUANTIZATION_CONFIG_MAPPING[backend]


def _torchao(settings: Any) -> dict[str, Any]:
    from torchao import quantization

    named = {name: value for name, value in settings.items() if name != "quant_type"}
    return {"quant_type": getattr(quantization, str(settings.get("quant_type")))(**named)}
