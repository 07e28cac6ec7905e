"""Evaluates the flags of a file as they are now, by flagd's official core for Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails

from imgassets.rollout.flags import parse

#: What a flag's metadata tells to operators and not to applications and their callers.
_NOT_TOLD = {"by", "reason", "verdict", "previous", "hash"}


@dataclass
class LiveFlags:
    """The flags of a file; read anew when it was replaced, kept as they were when it is harmed.

    Attributes:
        path: the file.
        fault: why the file as it is now cannot be read; empty where it can.
    """

    path: Path
    fault: str = ""
    _core: FlagdCore = field(default_factory=FlagdCore)
    _flags: dict[str, Any] = field(default_factory=dict)
    _seen: tuple[int, ...] | None = None

    def refresh(self) -> None:
        """Look whether the file was replaced, and read it if it was."""
        try:
            stat = self.path.stat()
        except OSError as error:
            self.fault, self._seen = str(error), None
            return
        seen = stat.st_mtime_ns, stat.st_ino, stat.st_size
        if seen == self._seen:
            return
        try:
            document = parse(self.path.read_text(encoding="utf-8"))
            core = FlagdCore()
            core.set_flags(document)
        except Exception as error:
            self.fault, self._seen = str(error), seen
            return
        self._core, self._flags, self._seen, self.fault = core, document["flags"], seen, ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The flags there are; none before a file could be read."""
        return tuple(self._flags)

    def evaluate(self, key: str, context: dict[str, Any]) -> dict[str, Any]:
        """A flag for somebody, as OFREP answers.

        Args:
            key: the flag's.
            context: what the application says of the user: `bucket`, and `targetingKey` if any.

        Raises:
            openfeature.exception.OpenFeatureError: no such flag, or none that can be evaluated.
        """
        told = {name: value for name, value in context.items() if name != "targetingKey"}
        target = context.get("targetingKey")
        found = self._resolve(key, EvaluationContext(None if target is None else str(target), told))
        answer: dict[str, Any] = {"key": key, "reason": str(found.reason)}
        if found.variant is not None:  # without one the application's own default holds
            answer |= {"variant": found.variant, "value": found.value}
        metadata = {k: v for k, v in found.flag_metadata.items() if k not in _NOT_TOLD}
        return answer | {"metadata": metadata}

    def _resolve(self, key: str, context: EvaluationContext) -> FlagResolutionDetails[Any]:
        """By the type of the flag's values; flags of other tools may hold any."""
        variants = self._flags.get(key, {}).get("variants") or {"": ""}
        value = next(iter(variants.values()))
        if isinstance(value, bool):
            return self._core.resolve_boolean_value(key, False, context)
        if isinstance(value, int | float):
            return self._core.resolve_float_value(key, 0.0, context)
        if isinstance(value, str):
            return self._core.resolve_string_value(key, "", context)
        return self._core.resolve_object_value(key, {}, context)
