"""The `imgassets` command: one file a command, with its arguments and its few lines.

A command's function is read by Typer: its parameters are the arguments, its docstring the help. It
returns the exit code. Nothing heavy is imported before it runs.
"""
