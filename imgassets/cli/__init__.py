"""The work of single commands of `imgassets`; `imgassets.cli` reads their arguments."""
