"""The flows of a contract."""

from __future__ import annotations

from typing import Literal

Flow = Literal["generate", "stylize", "edit", "upscale", "postprocess"]
#: In the order a chain goes through them.
FLOWS: tuple[Flow, ...] = ("generate", "stylize", "edit", "upscale", "postprocess")
