"""imgassets: turns the swap of an image model into a decision that can be defended.

Contracts and prompt sets (YAML) go in; images, metric tables, comparisons and a verdict come out,
each one a Dagster asset. Start reading at `imgassets.definitions` (the graph) or at
`imgassets.requests` (the row everything hinges on).

Importing the package also sees to it that no dependency reports to its maker what is done here.
"""

import os
import sys

__version__ = "0.1.0"

#: Environment variables that stop reports. One that is set already is left alone, so whoever wants
#: to report can still say so.
SWITCHES = {
    "DO_NOT_TRACK": "1",  # https://donottrack.sh, heeded by several
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime reports, and keeps a device id in ~/.cache
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, diffusers, transformers
    "DISABLE_SAFETENSORS_CONVERSION": "1",  # transformers asks a bot to convert others' weights
    "GX_ANALYTICS_ENABLED": "false",  # great_expectations
    "DAGSTER_DISABLE_TELEMETRY": "1",  # dagster; reporting needs a `dagster.yaml` that allows it
}


def switch_off() -> None:
    """Set the switches for this process and those it starts; imports nothing.

    Most are read when a library is imported. Where that has happened already, it is told directly.
    """
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    onnxruntime = sys.modules.get("onnxruntime")
    if onnxruntime is not None and os.environ["ORT_DISABLE_TELEMETRY"] not in ("", "0"):
        onnxruntime.disable_telemetry_events()
    constants = sys.modules.get("huggingface_hub.constants")
    if constants is not None and os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1":
        constants.HF_HUB_DISABLE_TELEMETRY = True  # type: ignore[attr-defined]


switch_off()
