"""`imgassets prompts`: prompt sets of other formats become documents of a project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgassets.cli.options import OK, Json, show
from imgassets.documents.geneval import set_name
from imgassets.documents.project import find_root
from imgassets.documents.prompt_files import PromptFormat
from imgassets.documents.prompts import Expectation, Prompt, PromptSet

if TYPE_CHECKING:
    from imgassets.judges.proposals import Knows, Proposal

app = typer.Typer(help="Take in prompts of other formats.", rich_markup_mode=None)
_SHOWN = 5


@app.callback()
def _together() -> None:
    """Lets the one command be called by its name."""


@app.command(name="import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="PartiPrompts (TSV), DrawBench (CSV), any table with a column `prompt`, GenEval "
            "(JSON lines), one prompt a line (T2I-CompBench), or a folder of text files "
            "(DPG-Bench).",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Else prompts/NAME.yaml of the project.")
    ] = None,
    form: Annotated[
        PromptFormat | None, typer.Option("--format", help="Else told by name and contents.")
    ] = None,
    propose: Annotated[
        bool,
        typer.Option(
            "--propose",
            help="Write what the words say an image must show as a comment under each prompt.",
        ),
    ] = False,
    judge: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="Propose what this judge knows; else what embedded ones know."
        ),
    ] = "",
    json: Json = False,
) -> int:
    """Write a prompt set from a file of another format.

    Each prompt gets an id that stays the same when others come and go. Nothing is overwritten.
    """
    from imgassets.documents.prompt_files import format_of, read_prompt_set

    form = form or format_of(file)
    read = read_prompt_set(file, form)
    target = out or find_root() / "prompts" / f"{read.prompt_set}.yaml"
    read = read.model_copy(update={"prompt_set": _name_of(target)})
    found = _proposals(read, judge) if propose else None
    _write(target, read, f"{file.name} ({form})", found or {})
    show(json, _data(target, read, form, found or {}), _words(target, read, form, found))
    return OK


def _proposals(read: PromptSet, judge: str) -> dict[str, Proposal]:
    """A proposal, or why there is none, for each prompt that has no expectation, by its id."""
    from imgassets.judges.proposals import known_to_embedded, propose

    knows = _known_to(judge) if judge else known_to_embedded
    return {prompt.id: propose(prompt.prompt, knows) for prompt in _without(read)}


def _write(target: Path, read: PromptSet, source: str, found: Mapping[str, Proposal]) -> None:
    from imgassets.documents.prompt_set_text import text_of, write_prompt_set

    proposed = {name: p.expect for name, p in found.items() if p.expect is not None}
    try:
        write_prompt_set(target, read, text_of(read, source, proposed))
    except FileExistsError as error:
        raise FileExistsError(
            f"{target} is there already, and is not overwritten; remove it, or write to another "
            "file by --out"
        ) from error


def _data(
    target: Path, read: PromptSet, form: str, found: Mapping[str, Proposal]
) -> dict[str, Any]:
    proposals = {
        name: {
            "expect": p.expect
            and p.expect.model_dump(mode="json", by_alias=True, exclude_defaults=True),
            "reason": p.reason,
            "left_out": p.left_out,
        }
        for name, p in found.items()
    }
    return {
        "file": str(target),
        "format": form,
        "prompts": len(read.prompts),
        "with_expectation": len(read.prompts) - len(_without(read)),
        "proposals": proposals,
    }


def _name_of(target: Path) -> str:
    name = set_name(target)
    if name != target.stem or target.suffix not in {".yaml", ".yml"}:
        raise ValueError(
            f"{target} is no name of a prompt set; write for example "
            f"--out {target.with_name(name + '.yaml')}"
        )
    return name


def _without(prompts: PromptSet) -> list[Prompt]:
    """Prompts that say nothing of what their image must show."""
    return [p for p in prompts.prompts if p.expect == Expectation()]


def _known_to(judge: str) -> Knows:
    """Whether a judge finds objects that are called so."""
    from imgassets.cli.judges import judge_named
    from imgassets.judges.known_words import known_words

    words = known_words(*judge_named(judge))
    if words is None:
        raise ValueError(f"judge {judge} does not judge composition; name one that does")
    return lambda word: words.knows("class", word)


def _words(target: Path, read: PromptSet, form: str, found: dict[str, Proposal] | None) -> str:
    given = len(read.prompts) - len(_without(read))
    lines = [f"{target}: {len(read.prompts)} prompts (format {form}), {given} with an `expect`"]
    if found:
        lines += _told(target, found)
    elif found is None and given < len(read.prompts):
        lines.append(
            "prompts without `expect` serve cost, look, artefacts and reproducibility; --propose "
            "writes what their words say, as comments"
        )
    lines.append(f"next: name it in a contract, `prompt_sets: [{read.prompt_set}]`")
    return "\n".join(lines)


def _told(target: Path, found: dict[str, Proposal]) -> list[str]:
    """How many expectations were proposed, how many not and why, and how to accept them."""
    proposed = sum(p.expect is not None for p in found.values())
    lines = [f"proposed for {proposed} of {len(found)} prompts, as comments `# expect:`"]
    reasons = Counter(p.reason for p in found.values() if p.expect is None)
    lines += [f"not proposed for {count}: {reason}" for reason, count in reasons.most_common()]
    unknown = Counter(word for p in found.values() for word in p.left_out)
    if unknown:
        most = ", ".join(word for word, _ in unknown.most_common(_SHOWN))
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        lines.append(f"left out, since the judge does not know them: {most}{more}")
    if proposed:
        accept = "sed -i 's/^    # expect:/    expect:/'"
        lines.append(f"read them; to accept all that are left: {accept} {target}")
    return lines
