"""Prints an operation tree as lines of Python for Numba."""

from __future__ import annotations

from collections.abc import Sequence

from simdyn.lowering.printer import Printer
from simdyn.lowering.tree import Node

_BINARY = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_LOGICAL = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and": "&", "or": "|"}


class NumbaPrinter(Printer):
    """Python with typed literals and the functions of `simdyn.noise.device`."""

    def __init__(self, dtype: str) -> None:
        super().__init__(dtype)
        self.suffix = "" if dtype == "float64" else "32"

    def literal(self, value: float) -> str:
        """A typed literal."""
        text = repr(float(value))
        text = {"inf": "math.inf", "-inf": "-math.inf", "nan": "math.nan"}.get(text, text)
        return text if self.dtype == "float64" else f"float32({text})"

    def assignment(self, name: str, node: Node, text: str) -> str:
        """The line that gives the value of `node` a name."""
        return f"{name} = {text}"

    def operation(self, node: Node, args: Sequence[str]) -> str:
        """An operation on arguments that are written down already."""
        match node.op:
            case "true" | "false":
                return node.op.capitalize()
            case "neg":
                return f"(-{args[0]})"
            case "not":
                return f"(not {args[0]})"
            case "fma":
                return f"fma({', '.join(args)})"
            case "select":
                return f"({args[1]} if {args[0]} else {args[2]})"
            case "sqrt":
                return f"math.sqrt({args[0]})"
            case "abs":
                return f"math.fabs({args[0]})"
            case "exp" | "log" | "sin" | "cos":
                return f"{node.op}{self.suffix}({args[0]})"
            case op if op in _BINARY:
                return f"({args[0]} {_BINARY[op]} {args[1]})"
            case op if op in _LOGICAL:
                return f"({args[0]} {_LOGICAL[op]} {args[1]})"
        raise ValueError(f"unknown operation {node.op}")
