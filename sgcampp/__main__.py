"""`python -m sgcampp` is the `sgcampp` command."""

from sgcampp.cli.main import main  # type: ignore[import-not-found]  # cli/ is installed there

if __name__ == "__main__":  # worker processes import it too
    main(prog_name="sgcampp")
