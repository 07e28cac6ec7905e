"""Code references: from an asset to the documents it is made by, and to the code that makes it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

import dagster as dg

from imgassets.documents.project import Project


def with_code_references(
    assets: Iterable[dg.AssetsDefinition], project: Project
) -> Sequence[dg.AssetsDefinition]:
    """The assets, each with links to its documents and to its body, as files on this machine."""

    def referenced(spec: dg.AssetSpec) -> dg.AssetSpec:
        files = [
            dg.LocalFileCodeReference(file_path=str(project.root / file), label=str(file))
            for file in _documents(project, spec.key.path)
        ]
        references = dg.CodeReferencesMetadataValue(code_references=files)
        return spec.merge_attributes(metadata={"dagster/code_references": references})

    linked = [asset.map_asset_specs(referenced) for asset in assets]
    return cast("Sequence[dg.AssetsDefinition]", dg.with_source_code_references(linked))


def _documents(project: Project, key: Sequence[str]) -> list[Path]:
    """Files of the documents that an asset key names."""
    kinds = project.by_kind
    match key:
        case ["documents", kind, name, _]:
            named = [(kind, name)]
        case [endpoint, model, _]:
            named = [("endpoints", endpoint), ("models", model)]
        case [endpoint, *_]:
            named = [("endpoints", endpoint)]
        case _:
            named = []
    return [kinds[kind][name].file for kind, name in named if name in kinds[kind]]
