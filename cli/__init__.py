"""The command line, installed as sgcampp.cli; one thin command a file."""
