"""What is wrong with a document, said so that it can be mended: file, line, field, fix."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from imgassets.documents.field_errors import FieldError, SeveralFieldsError
from imgassets.documents.field_facets import parts_in
from imgassets.documents.plain_fixes import general_fix
from imgassets.documents.plain_words import fix_of, said, said_of_all
from imgassets.documents.yaml_misreadings import Field, lost_text, odd_numbers
from imgassets.documents.yamlfile import YamlFile

if TYPE_CHECKING:
    from imgassets.documents.project import Loaded
_NOTHING = object()
_MOST_PLACES = 12


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
        super().__init__(listed(problems))
        self.problems = tuple(sorted(problems))


def listed(problems: Iterable[Problem]) -> str:
    """Problems as lines, sorted; a fix that many places of a file share stands once, behind them.

    Of more than a dozen such places the first are listed, and how many there are.
    """
    by_fix: dict[tuple[str, str], list[Problem]] = {}
    for problem in sorted(problems):
        by_fix.setdefault((problem.file, problem.fix), []).append(problem)
    lines = []
    for (_, fix), places in by_fix.items():
        if len(places) == 1 or not fix:
            lines += [str(problem) for problem in places]
            continue
        lines += [str(replace(problem, fix="")) for problem in places[:_MOST_PLACES]]
        more = len(places) - _MOST_PLACES
        if more > 0:
            last = places[-1]
            lines.append(f"{last.file}: ... and {more} more, up to line {last.line}")
        lines.append(f"  [fix of these {len(places)}: {fix}]")
    return "\n".join(lines)


def problem_at(loaded: Loaded[Any], loc: tuple[str | int, ...], message: str, fix: str) -> Problem:
    """A problem of one field of a document that is valid by itself."""
    return Problem(str(loaded.file), loaded.line(*loc), loaded.field(*loc), message, fix)


def dotted(loc: Sequence[str | int]) -> str:
    """`("criteria", 2, "floor")` as `criteria[2].floor`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def problems_of(
    error: ValidationError, model: type[BaseModel], file: Path, source: YamlFile
) -> list[Problem]:
    """pydantic's errors as problems of a YAML file."""
    cut = {field: (message, fix) for field, message, fix in lost_text(source)}
    return [
        Problem(str(file), source.line(field), dotted(field), *cut.get(field, (message, fix)))
        for field, message, fix in explained(error, model, source.data, source.node)
    ]


def misread(file: Path, source: YamlFile, known: Sequence[Problem] = ()) -> list[Problem]:
    """Values that YAML reads as something else than people do, in fields without a problem."""
    told = {problem.field for problem in known}
    return [
        Problem(str(file), source.line(field), dotted(field), message, fix)
        for field, message, fix in (*lost_text(source), *odd_numbers(source))
        if dotted(field) not in told
    ]


def explained(
    error: ValidationError,
    model: type[BaseModel],
    data: Any,
    node: Callable[[Sequence[str | int]], Any] = lambda _: None,
) -> list[tuple[Field, str, str]]:
    """`(field, message, fix)` of pydantic's errors: one a field, and none that another explains.

    Args:
        error: what pydantic said of `data`.
        model: the document class that was asked for.
        data: the parsed document.
        node: the YAML node of a field, for what was written there.
    """
    by_field: dict[Field, list[Any]] = {}
    for item in error.errors(include_url=False):
        for field, found in _placed(item, data):
            by_field.setdefault(field, []).append(found)
    misspelt = _misspelt(by_field)
    return [
        (field, _message(items, node(field)), _fix(items, model, node(field), misspelt.get(field)))
        for field, items in by_field.items()
        if not any(len(f) > len(field) and f[: len(field)] == field for f in by_field)
        and field not in misspelt.values()
    ]


def _misspelt(by_field: Mapping[Field, Sequence[Any]]) -> dict[Field, Field]:
    """The required field that is missing for each unknown one beside it that looks like it."""
    missing = [field for field, items in by_field.items() if items[0]["type"] == "missing"]
    found: dict[Field, Field] = {}
    for field, items in by_field.items():
        if items[0]["type"] == "extra_forbidden" and field:
            beside = {str(m[-1]): m for m in missing if m[:-1] == field[:-1]}
            for name in difflib.get_close_matches(str(field[-1]), list(beside), n=1):
                found[field] = beside[name]
    return found


def _placed(item: Any, data: Any) -> Iterator[tuple[Field, Any]]:
    """An error with the field it is of; several where a validator found several."""
    field = _without_tags(item, data)
    raised = (item.get("ctx") or {}).get("error")
    if isinstance(raised, FieldError | SeveralFieldsError):
        for one in raised.errors if isinstance(raised, SeveralFieldsError) else (raised,):
            yield (*field, *one.at), item | {"ctx": {"error": one}}
        return
    if item["type"] == "missing" and field and isinstance(field[-1], int):
        # A list that is too short for its places: one problem of the list, not one a place.
        field, known = field[:-1], _at(data, field[:-1])
        item |= {"type": "too_few", "input": known, "ctx": {"most": int(item["loc"][-1]) + 1}}
    yield field, item


def _without_tags(item: Any, data: Any) -> Field:
    """The field of an error, without the names of unions and their members in between."""
    kept: list[str | int] = []
    for position, part in enumerate(item["loc"]):
        here = _at(data, [part])
        if here is not _NOTHING:
            data = here
        elif position < len(item["loc"]) - 1 or item["type"] != "missing":
            continue
        kept.append(part)
    return tuple(kept)


def _at(data: Any, field: Sequence[str | int]) -> Any:
    """The value at a field; `_NOTHING` where there is none."""
    for part in field:
        inside = isinstance(part, int) and isinstance(data, (list, tuple)) and part < len(data)
        if not inside and not (isinstance(data, dict) and part in data):
            return _NOTHING
        data = data[part]
    return data


def _message(items: list[Any], node: Any) -> str:
    first = items[0]
    if first["type"] == "extra_forbidden":
        return "unknown field"
    if first["type"] == "missing":
        return "required field is missing"
    if len(items) > 1:  # the members of a union, none of which it is; or places that are missing
        return said_of_all(items, node)
    return said(first, None if first["loc"][-1:] == ("[key]",) else node)


def _fix(items: list[Any], model: type[BaseModel], node: Any, meant: Field | None) -> str:
    item = items[0]
    *parents, name = item["loc"] or ("",)
    if meant:
        return f"did you mean `{meant[-1]}`?"
    if item["type"] == "missing":
        field = _fields_at(model, parents).get(str(name))
        described = getattr(field, "description", None)
        return f"add `{name}`" + (f" ({described})" if described else "")
    if item["type"] == "extra_forbidden":
        return _fix_unknown(str(name), list(_fields_at(model, parents)))
    if item["type"] in ("model_type", "model_attributes_type"):
        known = list(_fields_at(model, item["loc"]))
        if known:
            return f"fields here: {', '.join(known)}"
    return next((fix for i in items if (fix := fix_of(i, node))), "") or general_fix(items[-1])


def _fix_unknown(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"remove it; known fields here: {', '.join(known)}" if known else "remove it"


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


def _only_model(annotation: Any) -> Any:
    models = parts_in(annotation)
    return models[0] if len(models) == 1 else annotation


def _by_tag(annotation: Any, tag: str | int) -> type[BaseModel] | None:
    """The member of a tagged union whose `kind` is `tag`."""
    for model in parts_in(annotation):
        kind = model.model_fields.get("kind")
        if kind is not None and tag in get_args(kind.annotation):
            return model
    return None
