"""Restore photographs in numpy arrays with the program clusir, which this package
contains. Nothing else is needed: no torch, no GPU."""

from ._program import Error, program, restore
from ._server import Server

__all__ = ["Error", "Server", "program", "restore"]
