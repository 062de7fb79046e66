"""Prints an operation tree as lines of CUDA C: the operations that `simdyn.lowering.numba_printer` prints."""

from __future__ import annotations

from collections.abc import Sequence

from simdyn.lowering.printer import Printer
from simdyn.lowering.tree import LOGICAL, Node
from simdyn.noise.cuda_source import literal

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_INFIX |= {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and": "&", "or": "|"}


class CudaPrinter(Printer):
    """C with the functions of `simdyn.noise.cuda_source`; every name is declared where it gets its value."""

    def __init__(self, dtype: str) -> None:
        super().__init__(dtype)
        self.suffix = "_64" if dtype == "float64" else "_32"

    def literal(self, value: float) -> str:
        """A typed literal."""
        return literal(value, self.dtype)

    def assignment(self, name: str, node: Node, text: str) -> str:
        """The line that gives the value of `node` a name."""
        return f"const {'bool' if node.op in LOGICAL else 'REAL'} {name} = {text};"

    def operation(self, node: Node, args: Sequence[str]) -> str:
        """An operation on arguments that are written down already."""
        match node.op:
            case "true" | "false":
                return node.op
            case "neg":
                return f"(-{args[0]})"
            case "not":
                return f"(!{args[0]})"
            case "fma":
                return f"fused({', '.join(args)})"
            case "select":
                return f"({args[0]} ? {args[1]} : {args[2]})"
            case "sqrt":
                return f"root({args[0]})"
            case "abs":
                return f"magnitude({args[0]})"
            case "exp" | "log" | "sin" | "cos":
                return f"{node.op}{self.suffix}({args[0]})"
            case op if op in _INFIX:
                return f"({args[0]} {_INFIX[op]} {args[1]})"
        raise ValueError(f"unknown operation {node.op}")
