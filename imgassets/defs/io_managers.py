"""Tables on disk: Parquet, one file an asset, written whole or not at all."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg

from imgassets.defs.resources import ProjectResource
from imgassets.documents.answers import AnswerFile
from imgassets.documents.labels import LabelFile
from imgassets.documents.problems import InvalidDocumentsError
from imgassets.drift.findings import DriftFile
from imgassets.refresh.extra_seeds import ExtraSeeds
from imgassets.refresh.observed.answers import answers_of
from imgassets.refresh.observed.labels import labels_of
from imgassets.storage.shared_files import SharedFiles
from imgassets.storage.whole_file import whole_file

Said = TypeVar("Said", LabelFile, AnswerFile)
_ROWS_AT_ONCE = 10_000

if TYPE_CHECKING:
    from pandas import DataFrame

    Table = DataFrame
else:
    #: What assets say they take and give. Dagster reads annotations when it loads; pandas is left
    #: out then, since it would take longer than all our own modules.
    Table = Any


class ParquetTables(dg.ConfigurableIOManager):
    """Keeps data frames under `HOME/tables/ENDPOINT/MODEL/STAGE.parquet`."""

    workplace: dg.ResourceDependency[ProjectResource]

    def path(self, key: dg.AssetKey) -> Path:
        """The file of an asset."""
        return self.workplace.home().output(key.path)

    def handle_output(self, context: dg.OutputContext, obj: Table) -> None:
        """Write a table, whole or not at all."""
        with whole_file(self.path(context.asset_key)) as temporary:
            obj.to_parquet(temporary, index=False)
            _note_hash(context, temporary)
        SharedFiles.of(self.workplace.home()).push()

    def load_input(self, context: dg.InputContext) -> Table:
        """Read a table.

        Raises:
            Failure: it was never made.
        """
        return read_table(self.workplace, context.asset_key)


def read_table(workplace: ProjectResource, key: dg.AssetKey) -> Table:
    """The table of an asset, for steps that read what their selection asks for.

    Raises:
        Failure: it was never made.
    """
    path = _existing(workplace, key)
    import pandas as pd

    return pd.read_parquet(path)


def _note_hash(context: dg.OutputContext, file: Path) -> None:
    """Let the materialization tell the file's hash, so that planning notices a damaged file."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    context.add_output_metadata({"file_sha256": digest})


def data_version(table: Table) -> dg.DataVersion:
    """The hash of a table's rows: equal rows, equal version, whatever run wrote them."""
    digest = hashlib.sha256()
    for part in _as_json(table):
        digest.update(part.encode())
    return dg.DataVersion(digest.hexdigest())


def _as_json(table: Table) -> Iterator[str]:
    """A table as JSON, some rows at a time: a million as one text take gigabytes."""
    yield f'{{"columns": {json.dumps(list(table.columns), default=str)}, "data": ['
    for start in range(0, len(table), _ROWS_AT_ONCE):
        rows = table.iloc[start : start + _ROWS_AT_ONCE].to_dict("split", index=False)["data"]
        yield (", " if start else "") + json.dumps(rows, default=str, sort_keys=True)[1:-1]
    yield "]}"


class JsonDocuments(dg.ConfigurableIOManager):
    """Keeps verdicts under `HOME/tables/ENDPOINT/MODEL/STAGE.json`."""

    workplace: dg.ResourceDependency[ProjectResource]

    def path(self, key: dg.AssetKey) -> Path:
        """The file of an asset."""
        return self.workplace.home().output(key.path)

    def handle_output(self, context: dg.OutputContext, obj: dict[str, Any]) -> None:
        """Write a document, whole or not at all."""
        with whole_file(self.path(context.asset_key)) as temporary:
            temporary.write_text(json.dumps(obj, indent=1), encoding="utf-8")
            _note_hash(context, temporary)
        SharedFiles.of(self.workplace.home()).push()

    def load_input(self, context: dg.InputContext) -> dict[str, Any]:
        """Read a document.

        Raises:
            Failure: it was never made.
        """
        path = _existing(self.workplace, context.asset_key)
        return json.loads(path.read_text(encoding="utf-8"))


class ObservedContent(dg.ConfigurableIOManager):
    """Reads what observed state holds, for assets that need more of it than its version."""

    workplace: dg.ResourceDependency[ProjectResource]

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Never called: no run makes observed state."""
        raise NotImplementedError(context.asset_key.to_user_string())

    def load_input(self, context: dg.InputContext) -> Any:
        """What drifted in a branch (`Revalidated`), the seeds added to it, people's answers on it,
        or an endpoint's labels or judges with how often these are right.

        Raises:
            ValueError: the file was damaged, or what people said cannot be used; names it and the
                fix.
        """
        kind, *branch = context.asset_key.path
        if kind == "labels":
            return _usable(labels_of(self.workplace.project(), *branch))
        if kind == "answers":
            return _usable(answers_of(self.workplace.project(), *branch))
        if kind == "calibrations":
            return self.workplace.judges(self.workplace.project(), *branch)
        home = self.workplace.home()
        readers = {
            "drift": DriftFile(home.drift).found,
            "extra_seeds": ExtraSeeds(home.extra_seeds).read,
        }
        return readers[kind](*branch)


def _usable(found: Said) -> Said:
    """What people said, where nothing is wrong with the file."""
    if found.problems:
        raise InvalidDocumentsError(found.problems)
    return found


def _existing(workplace: ProjectResource, key: dg.AssetKey) -> Path:
    home = workplace.home()
    path = home.output(key.path)
    SharedFiles.of(home).pull()  # the step before may have run on another machine
    if not path.is_file():
        raise dg.Failure(f"{path} does not exist; materialize {key.to_user_string()} first")
    return path
