"""Great Expectations' Data Docs of the contracts, made to be read without a network.

A suite for each endpoint and model, built from the contract: one column for each floor, ceiling,
failure mode and decision of the comparison, with the expectations that asset checks hold. Great
Expectations' own pages load style sheets and scripts from five CDNs and fill their index by script;
here scripts and links to them are taken out, a style sheet is put in, a content policy forbids
every request, and the index is plain HTML.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from imgassets.decision import gx_suites as held
from imgassets.documents.contract import Endpoint
from imgassets.documents.project import Project
from imgassets.documents.yardstick import Rule, rules_by_table
from imgassets.storage.ownership import plain_temporary_folder
from imgassets.storage.project_home import ProjectHome

_POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "img-src data:; style-src 'unsafe-inline'\">"
)
#: What Great Expectations' templates would fetch, run, or advertise.
_REMOVED = re.compile(
    r"<script\b.*?</script>|<style\b.*?</style>|<link\b[^>]*>|<footer\b.*?</footer>",
    re.DOTALL | re.IGNORECASE,
)
#: Their headings start at the fourth level.
_HEADING = re.compile(r"(</?h)([4-6])\b")
_NAVIGATIONS = {
    '<nav class="navbar': "Data Docs",
    '<nav class="d-flex': "Breadcrumbs",
    '<nav id="navigation"': "Contents",
}
_CONTENT = '<div class="container-fluid pt-4'
#: A picture from their server, and the only text of the link to the index.
_LOGO = re.compile(r"<img\b[^>]*>", re.IGNORECASE)


class NothingMadeError(LookupError):
    """There are no tables to hold to the contracts."""


@dataclass(frozen=True)
class SuitePage:
    """What the index says of one endpoint and model; paths are relative to it."""

    endpoint: str
    model: str
    met: int
    total: int
    results: str
    suite: str


@dataclass(frozen=True)
class Suite:
    """One endpoint and model: the rules of all its tables, and the columns they are about."""

    endpoint: str
    model: str
    rules: list[Rule]
    columns: pd.DataFrame

    @property
    def name(self) -> str:
        """Of the suite and its pages."""
        return f"{self.endpoint}__{self.model}"

    @property
    def expectations(self) -> list[Any]:
        """As Great Expectations holds them, and as asset checks do."""
        return [held.expectation(rule) for rule in self.rules]


def build_docs(project: Project, home: ProjectHome, folder: Path) -> Path:
    """Hold the tables made last to their suites and write the pages; returns the index.

    Args:
        project: whose contracts.
        home: everything the project made.
        folder: its Data Docs of earlier times are replaced.

    Raises:
        NothingMadeError: no endpoint and model has all its tables.
        FileExistsError: the folder holds something else.
    """
    made = [s for e, m in project.branches() if (s := suite(project.endpoint(e), m, home))]
    if not made:
        raise NothingMadeError("nothing was made yet; run `imgassets validate` first")
    index = folder / "index.html"
    if folder.exists() and any(folder.iterdir()) and not (folder / "expectations").is_dir():
        raise FileExistsError(f"{folder} is not empty and holds no Data Docs; name another folder")
    # Built elsewhere: Great Expectations puts variables into paths, so that `$HOME` in the folder's
    # name would send the pages to another folder.
    with tempfile.TemporaryDirectory(dir=plain_temporary_folder()) as built:
        pages = _built(made, Path(built))
        shutil.rmtree(Path(built) / "static")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(built, folder, copy_function=shutil.copyfile)
    for page in folder.rglob("*.html"):
        page.write_text(_outlined(_offline(page.read_text(encoding="utf-8"))), encoding="utf-8")
    index.write_text(_index(pages), encoding="utf-8")
    return index


def suite(endpoint: Endpoint, model: str, home: ProjectHome) -> Suite | None:
    """The suite of an endpoint and model with the values to hold; None where a table lacks."""
    by_table = rules_by_table(endpoint, model)
    try:
        tables = {
            name: pd.read_parquet(home.output((endpoint.endpoint, model, name)))
            for name in by_table
        }
    except FileNotFoundError:
        return None
    pairs = [(rule, tables[name]) for name, rules in by_table.items() for rule in rules]
    rules = [rule for rule, _ in pairs]
    return Suite(
        endpoint.endpoint, model, rules, held.columns(rules, [table for _, table in pairs])
    )


def _built(suites: list[Suite], folder: Path) -> list[SuitePage]:
    """Validates every suite and lets Great Expectations write its pages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = held.new_context()
        for site in list(context.get_site_names()):
            context.delete_data_docs_site(site)
        context.add_data_docs_site("imgassets", _site(folder))
        source = context.data_sources.add_pandas("tables")
        found = [_validated(context, source, s) for s in suites]
        context.build_data_docs()
    return [
        SuitePage(
            s.endpoint,
            s.model,
            result["successful_expectations"],
            result["evaluated_expectations"],
            _only(folder / "validations" / s.name).relative_to(folder).as_posix(),
            f"expectations/{s.name}.html",
        )
        for s, result in zip(suites, found, strict=True)
    ]


def _site(folder: Path) -> dict[str, Any]:
    store = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    return {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": store,
        "site_index_builder": index,
    }


def _validated(context: Any, source: Any, suite: Suite) -> dict[str, int]:
    import great_expectations as gx

    batches = source.add_dataframe_asset(suite.name).add_batch_definition_whole_dataframe("all")
    expected = context.suites.add(held.suite(suite.name, suite.rules))
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=suite.name, data=batches, suite=expected)
    )
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(name=suite.name, validation_definitions=[definition], result_format="SUMMARY")
    )
    result = checkpoint.run(batch_parameters={"dataframe": suite.columns})
    return next(iter(result.run_results.values())).statistics


def _only(folder: Path) -> Path:
    """The one page below a folder that is named by date and time."""
    return next(folder.rglob("*.html"))


def _offline(page: str) -> str:
    """A page that fetches nothing, runs nothing, and is still readable."""
    page = _LOGO.sub("Data Docs", _REMOVED.sub("", page)).replace("<html>", '<html lang="en">')
    style = (files("imgassets.report") / "data_docs.css").read_text(encoding="utf-8")
    return page.replace("<head>", f"<head>{_POLICY}<style>{style}</style>", 1)


def _outlined(page: str) -> str:
    """Great Expectations' page with landmarks and headings that a screen reader can go by."""
    page = _HEADING.sub(lambda m: f"{m[1]}{int(m[2]) - 3}", page)
    for nav, label in _NAVIGATIONS.items():
        page = page.replace(nav, nav.replace("<nav", f'<nav aria-label="{label}"'), 1)
    before, mark, after = page.partition(_CONTENT)
    return f"{before}<main>{mark}{after}".replace("</body>", "</main></body>") if mark else page


def _index(pages: list[SuitePage]) -> str:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = (files("imgassets.report") / "data_docs.html.j2").read_text(encoding="utf-8")
    return _offline(environment.from_string(template).render(pages=pages))
