"""The work of single commands of `imgassets`; `imgassets.cli.main` reads their arguments."""
