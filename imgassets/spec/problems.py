"""What is wrong with a document, said so that it can be mended: file, line, field, fix."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from imgassets.spec.yamlfile import YamlFile

if TYPE_CHECKING:
    from imgassets.spec.project import Loaded


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend.

    Attributes:
        file: as the user would open it.
        line: 1-based.
        field: dotted path, such as `criteria[2].floor`; empty for the file as a whole.
        message: what is wrong.
        fix: what to do about it; empty where the message already says it.
    """

    file: str
    line: int
    field: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        field = f" {self.field}:" if self.field else ""
        fix = f" [fix: {self.fix}]" if self.fix else ""
        return f"{where}:{field} {self.message}{fix}"


class InvalidDocumentsError(ValueError):
    """Documents that cannot be used. `problems` holds every one of them, never only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(p) for p in sorted(problems)))
        self.problems = tuple(sorted(problems))


def problem_at(loaded: Loaded[Any], loc: tuple[str | int, ...], message: str, fix: str) -> Problem:
    """A problem of one field of a document that is valid by itself."""
    return Problem(str(loaded.file), loaded.line(*loc), dotted(loc), message, fix)


def dotted(loc: Sequence[str | int]) -> str:
    """`("criteria", 2, "floor")` as `criteria[2].floor`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def problems_of(
    error: ValidationError, model: type[BaseModel], file: Path, source: YamlFile | None
) -> list[Problem]:
    """pydantic's errors as problems of a file."""
    return [
        Problem(
            file=str(file),
            line=source.line(item["loc"]) if source else 1,
            field=dotted(_without_tags(item["loc"], source)),
            message=_message(item),
            fix=_fix(item, model),
        )
        for item in error.errors(include_url=False)
    ]


def _without_tags(loc: tuple[str | int, ...], source: YamlFile | None) -> tuple[str | int, ...]:
    """Drop the union tags pydantic puts into a path; they are no field of the file."""
    kept: list[str | int] = []
    data: Any = source.data if source else None
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        inside_list = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if inside_list or (isinstance(data, dict) and part in data):
            data = data[part]
        elif source is not None and not last:
            continue
        kept.append(part)
    return tuple(kept)


def _message(item: Any) -> str:
    if item["type"] == "extra_forbidden":
        return "unknown field"
    if item["type"] == "missing":
        return "required field is missing"
    message: str = item["msg"].removeprefix("Value error, ")
    got = item["input"]
    if isinstance(got, (str, int, float, bool)) or got is None:
        shown = repr(got)
        message += f" (got {shown if len(shown) <= 60 else shown[:57] + '...'})"
    return message


def _fix(item: Any, model: type[BaseModel]) -> str:
    *parents, name = item["loc"] or ("",)
    if item["type"] == "missing":
        field = _fields_at(model, parents).get(str(name))
        described = getattr(field, "description", None)
        return f"add `{name}`" + (f" ({described})" if described else "")
    if item["type"] == "extra_forbidden":
        known = list(_fields_at(model, parents))
        close = difflib.get_close_matches(str(name), known, n=1)
        if close:
            return f"did you mean `{close[0]}`?"
        return f"remove it; known fields here: {', '.join(known)}" if known else "remove it"
    return ""


def _fields_at(model: Any, loc: Sequence[str | int]) -> dict[str, Any]:
    """Fields of the model a path leads to, by the names documents use; empty if none is found."""
    for part in loc:
        if isinstance(part, int) or not _fields(model):
            tagged = _by_tag(model, part)
            model = tagged if tagged is not None else model
            continue
        field = _fields(model).get(part)
        if field is None:
            return {}
        model = field.annotation
    return _fields(_only_model(model))


def _fields(model: Any) -> dict[str, Any]:
    fields = getattr(_only_model(model), "model_fields", {})
    return {field.alias or name: field for name, field in fields.items()}


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for a in get_args(annotation) for m in _models_in(a)]


def _only_model(annotation: Any) -> Any:
    models = _models_in(annotation)
    return models[0] if len(models) == 1 else annotation


def _by_tag(annotation: Any, tag: str | int) -> type[BaseModel] | None:
    """The member of a tagged union whose `kind` is `tag`."""
    for model in _models_in(annotation):
        kind = model.model_fields.get("kind")
        if kind is not None and tag in get_args(kind.annotation):
            return model
    return None
