"""A project: all documents under one root, loaded tolerantly, with everything wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from imgassets.documents import references
from imgassets.documents.answers import AnswerFile, read_all_answers
from imgassets.documents.base import Document
from imgassets.documents.contract import Endpoint
from imgassets.documents.environment import PlaceError, folder_in
from imgassets.documents.geneval import field_of_line, read_with_lines, set_name
from imgassets.documents.judge import EMBEDDED, AnyJudge, judge_class
from imgassets.documents.labels import LabelFile, read_all_labels
from imgassets.documents.models import AnyModel, model_class
from imgassets.documents.problems import (
    InvalidDocumentsError,
    Problem,
    dotted,
    misread,
    problems_of,
)
from imgassets.documents.prompts import Edit, Expectation, Prompt, PromptSet
from imgassets.documents.yamlfile import YamlError, YamlFile, read_yaml
from imgassets.flows import FlowName
from imgassets.metrics.family import Metric

D = TypeVar("D", bound=Document)
#: The document class a parsed file asks for.
Kind = Callable[[Any], type[D]]


@dataclass(frozen=True)
class Loaded(Generic[D]):
    """A valid document with the file it came from.

    Attributes:
        source: missing for JSON lines.
        lines: of JSON lines, where each prompt stands.
    """

    document: D
    file: Path
    source: YamlFile | None
    lines: tuple[int, ...] = ()

    def line(self, *loc: str | int) -> int:
        """The line of a field, from 1."""
        if self.lines and loc[:1] == ("prompts",) and len(loc) > 1:
            return self.lines[int(loc[1])]
        return self.source.line(loc) if self.source else 1

    def field(self, *loc: str | int) -> str:
        """The field as its file calls it; JSON lines know nothing of the prompts around it."""
        return dotted(field_of_line(loc)) if self.lines else dotted(loc)


@dataclass(frozen=True)
class Project:
    """All documents of a project, by name, and all problems found in them.

    Attributes:
        labels: what people said of images, by endpoint; problems of these files stop no other
            endpoint, so they stand with the files as well.
        answers: what people said of pairs of images, by endpoint; problems as those of labels.
        broken: folder and name of each document that is there and cannot be used; its problems are
            told, and nothing is to be said of those that name it.
    """

    root: Path
    endpoints: dict[str, Loaded[Endpoint]]
    models: dict[str, Loaded[AnyModel]]
    prompt_sets: dict[str, Loaded[PromptSet]]
    judges: dict[str, Loaded[AnyJudge]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    labels: Mapping[str, LabelFile] = field(default_factory=dict)
    answers: Mapping[str, AnswerFile] = field(default_factory=dict)
    broken: frozenset[tuple[str, str]] = frozenset()

    @property
    def problems_of_people(self) -> list[Problem]:
        """What is wrong with labels and answers; where a contract is broken, that is told alone."""
        labels = [(name, file.problems) for name, file in self.labels.items()]
        answers = [(name, file.problems) for name, file in self.answers.items()]
        return [
            problem
            for name, problems in (*labels, *answers)
            if name in self.endpoints or ("endpoints", name) not in self.broken
            for problem in problems
        ]

    def usable_endpoints(self) -> list[Endpoint]:
        """Endpoints whose own references all resolve to valid documents."""
        return [
            loaded.document
            for loaded in self.endpoints.values()
            if all(m in self.models for m in loaded.document.models)
            and all(p in self.prompt_sets for p in loaded.document.prompt_sets)
            and all(j in self.judges for j in loaded.document.judges_used.values())
        ]

    def branches(self) -> list[tuple[str, str]]:
        """The (endpoint, model) pairs of usable endpoints."""
        return [(e.endpoint, model) for e in self.usable_endpoints() for model in e.models]

    @property
    def by_kind(self) -> Mapping[str, Mapping[str, Loaded[Any]]]:
        """All documents, by kind as asset keys call it, and by name; judges that are used."""
        used = {name for e in self.usable_endpoints() for name in e.judges_used.values()}
        return {
            "endpoints": self.endpoints,
            "models": self.models,
            "prompts": self.prompt_sets,
            "judges": {name: judge for name, judge in self.judges.items() if name in used},
        }

    def endpoint(self, name: str) -> Endpoint:
        """A valid contract, by name."""
        return self.endpoints[name].document

    def model(self, name: str) -> AnyModel:
        """A valid model, by name.

        Raises:
            LookupError: no such model; says which there are.
        """
        if name not in self.models:
            known = ", ".join(self.models) or "none"
            raise LookupError(f"no model {name!r} in contracts/models; there are: {known}")
        return self.models[name].document

    def judge(self, name: str) -> AnyJudge:
        """A valid judge, by name.

        Raises:
            LookupError: no such judge; says which there are.
        """
        if name not in self.judges:
            raise LookupError(
                f"no judge {name!r} in contracts/judges; there are: {', '.join(self.judges)}"
            )
        return self.judges[name].document

    def asked(self, endpoint: Endpoint) -> dict[tuple[FlowName, str], Prompt | Edit]:
        """What asks for each image, by (flow, prompt id): its prompt, or its edit once edited."""
        asked: dict[tuple[FlowName, str], Prompt | Edit] = {}
        for prompt in (p for s in self.prompts_of(endpoint) for p in s.prompts):
            for flow in endpoint.flows:
                asks = prompt.edit if endpoint.edited(flow) else prompt
                if asks:
                    asked[flow, prompt.id] = asks
        return asked

    def expectations(self, endpoint: Endpoint) -> dict[tuple[str, str], Expectation]:
        """What each image must show, by (flow, prompt id)."""
        return {place: asks.expect for place, asks in self.asked(endpoint).items()}

    def prompts_of(self, endpoint: Endpoint) -> list[PromptSet]:
        """The prompt sets of a contract, in its order."""
        return [self.prompt_sets[name].document for name in endpoint.prompt_sets]


def find_root(start: Path | None = None) -> Path:
    """The project's root: `$IMGASSETS_PROJECT`, or the nearest parent that holds `contracts/`.

    Falls back to `start` itself, so that an empty folder is reported as such and not as a crash.

    Raises:
        PlaceError: the variable names no folder, or the working directory is gone.
    """
    configured = folder_in("IMGASSETS_PROJECT")
    if configured is not None:
        if not configured.is_dir():
            raise PlaceError(f"$IMGASSETS_PROJECT is {configured}, which is no folder; mend it")
        return configured
    try:
        start = (start or Path.cwd()).resolve()
    except FileNotFoundError as error:
        raise PlaceError("the folder you stand in was removed; cd into the project") from error
    return next((p for p in (start, *start.parents) if (p / "contracts").is_dir()), start)


@dataclass
class _Reader:
    root: Path
    problems: list[Problem] = field(default_factory=list)
    broken: set[tuple[str, str]] = field(default_factory=set)

    def shown(self, path: Path) -> Path:
        if path.parent == EMBEDDED:
            return Path("imgassets", "judges", "embedded", path.name)
        return path.relative_to(self.root) if path.is_relative_to(self.root) else path

    def report(self, path: Path, message: str, fix: str, line: int = 1, where: str = "") -> None:
        self.problems.append(Problem(str(self.shown(path)), line, where, message, fix))

    def folder(self, *parts: str) -> Iterator[Path]:
        folder = self.root.joinpath(*parts)
        if folder.is_dir():
            yield from sorted(p for p in folder.iterdir() if p.suffix in {".yaml", ".yml"})

    def read(self, path: Path, kind: Kind[D], name_field: str) -> Loaded[D] | None:
        """One YAML document; its problems are noted and None comes back when it is unusable."""
        folder = path.parent.name
        self.broken.add((folder, path.stem))
        try:
            source = read_yaml(path)
        except YamlError as error:
            self.report(path, error.message, error.fix, error.line)
            return None
        if isinstance(source.data, dict):
            self.broken.add((folder, str(source.data.get(name_field))))
        try:
            document = _parsed(source, kind(source.data), self.shown(path))
        except InvalidDocumentsError as error:
            self.problems += error.problems
            return None
        if getattr(document, name_field) != path.stem:
            self.report(
                path,
                f"the name {getattr(document, name_field)!r} differs from the file's",
                f"call it {path.stem!r}, or rename the file",
                source.line([name_field]),
                name_field,
            )
            return None
        self.broken.discard((folder, path.stem))
        return Loaded(document, self.shown(path), source)

    def read_all(
        self, paths: Iterable[Path], kind: Kind[D], name_field: str
    ) -> dict[str, Loaded[D]]:
        loaded = {path.stem: self.read(path, kind, name_field) for path in paths}
        return {name: item for name, item in loaded.items() if item is not None}

    def geneval_sets(self) -> dict[str, Loaded[PromptSet]]:
        folder = self.root / "prompts"
        sets = {}
        for path in sorted(folder.glob("*.jsonl")) if folder.is_dir() else []:
            try:
                document, lines = read_with_lines(path)
                sets[document.prompt_set] = Loaded(document, self.shown(path), None, lines)
            except InvalidDocumentsError as error:
                self.broken |= {("prompts", path.stem), ("prompts", set_name(path))}
                shown = str(self.shown(path))
                self.problems += [replace(problem, file=shown) for problem in error.problems]
        return sets


def load_project(root: Path | None = None) -> Project:
    """Load `contracts/`, `prompts/`, `labels/` and `reviews/`; never raises for a bad document."""
    reader = _Reader((root or find_root()).resolve())
    endpoints = reader.read_all(
        reader.folder("contracts", "endpoints"), lambda _: Endpoint, "endpoint"
    )
    models = reader.read_all(reader.folder("contracts", "models"), model_class, "model")
    sets = reader.read_all(reader.folder("prompts"), lambda _: PromptSet, "prompt_set")
    for name, loaded in reader.geneval_sets().items():
        if other := sets.get(name):
            wrong = f"prompt set {name!r} is in {other.file} as well"
            reader.report(reader.root / loaded.file, wrong, "rename one of the files")
        sets.setdefault(name, loaded)
    own = list(reader.folder("contracts", "judges"))
    embedded = (p for p in sorted(EMBEDDED.glob("*.yaml")) if p.stem not in {o.stem for o in own})
    judges = reader.read_all([*embedded, *own], judge_class, "judge")
    if not any(reader.folder("contracts", "endpoints")):
        reader.report(
            reader.root / "contracts" / "endpoints",
            "no endpoint contract found",
            "write contracts/endpoints/NAME.yaml, or run inside the project folder "
            "(or set IMGASSETS_PROJECT)",
        )
    found, broken = tuple(reader.problems), frozenset(reader.broken)
    project = Project(reader.root, endpoints, models, sets, judges, found, broken=broken)
    project = replace(
        project,
        labels=read_all_labels(reader.root, lambda name: _own_metrics(endpoints.get(name))),
        answers=read_all_answers(reader.root, endpoints),
    )
    problems = [*reader.problems, *references.check(project), *project.problems_of_people]
    return replace(project, problems=tuple(sorted(set(problems))))


def _own_metrics(contract: Loaded[Endpoint] | None) -> dict[str, Metric] | None:
    """Metrics that a contract declares; None where there is no contract."""
    own = None if contract is None else contract.document.metrics
    return None if own is None else {name: metric.metric(name) for name, metric in own.items()}


def read_document(path: Path, model: type[D], *, without: Collection[str] = ()) -> D:
    """One YAML document from any place, by itself.

    Arguments: `without` are fields that may stand in the file and are not read.

    Raises:
        InvalidDocumentsError: with every problem found.
    """
    return _read_alone(path, lambda _: model, without)


def read_judge(path: Path) -> AnyJudge:
    """One judge document from any place. Raises as `read_document`."""
    return _read_alone(path, judge_class)


def _read_alone(path: Path, kind: Kind[D], without: Collection[str] = ()) -> D:
    if not path.is_file():
        raise InvalidDocumentsError([Problem(str(path), 1, "", "no such file", "check the path")])
    try:
        source = read_yaml(path)
    except YamlError as error:
        problem = Problem(str(path), error.line, "", error.message, error.fix)
        raise InvalidDocumentsError([problem]) from error
    if isinstance(source.data, dict):
        kept = {key: value for key, value in source.data.items() if key not in without}
        source = replace(source, data=kept)
    return _parsed(source, kind(source.data), path)


def _parsed(source: YamlFile, model: type[D], file: Path) -> D:
    """A parsed file as a document.

    Raises:
        InvalidDocumentsError: with every problem found, under the name `file`.
    """
    document, problems = None, []
    try:
        document = model.model_validate(source.data)
    except ValidationError as error:
        problems = problems_of(error, model, file, source)
    problems += misread(file, source, problems)
    if document is None or problems:
        raise InvalidDocumentsError(problems)
    return document


def to_json(problems: Iterable[Problem]) -> str:
    """Problems as a JSON list of objects."""
    return json.dumps([p.__dict__ for p in problems], indent=2)
