"""`python -m sgcampp` is the `sgcampp` command."""

from sgcampp.cli.main import main  # type: ignore[import-not-found]  # cli/ is installed there

main(prog_name="sgcampp")
