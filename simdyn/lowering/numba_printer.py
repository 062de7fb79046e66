"""Prints an operation tree as lines of Python for Numba."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simdyn.lowering.tree import Node, schedule

_BINARY = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_LOGICAL = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and": "&", "or": "|"}

_DEEPEST = 20
"""Levels of brackets in one line; Python's parser and Numba's type inference end at some hundred."""


class NumbaPrinter:
    """Statements for one dtype; `names` translates the names in the tree to those of the kernel."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype
        self.suffix = "" if dtype == "float64" else "32"

    def literal(self, value: float) -> str:
        """A typed literal."""
        text = repr(float(value))
        text = {"inf": "math.inf", "-inf": "-math.inf", "nan": "math.nan"}.get(text, text)
        return text if self.dtype == "float64" else f"float32({text})"

    def statements(
        self, outputs: Sequence[tuple[str, Node]], names: Mapping[str, str], prefix: str
    ) -> list[str]:
        """Lines that assign each output node to its target name; temporaries are called prefix0, prefix1,
        ..."""
        order, uses = schedule(node for _, node in outputs)
        written: dict[Node, str] = {}
        depth: dict[Node, int] = {}
        lines: list[str] = []
        for node in order:
            text = self._text(node, written, names)
            depth[node] = 1 + max((depth[argument] for argument in node.args), default=-1)
            if node.args and (uses[node] > 1 or depth[node] >= _DEEPEST):
                name = f"{prefix}{len(lines)}"
                lines.append(f"{name} = {text}")
                text, depth[node] = name, 0
            written[node] = text
        return [*lines, *(f"{target} = {written[node]}" for target, node in outputs)]

    def _text(self, node: Node, written: Mapping[Node, str], names: Mapping[str, str]) -> str:
        args = [written[argument] for argument in node.args]
        match node.op:
            case "const":
                return self.literal(node.value)
            case "name":
                return names.get(node.name, node.name)
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
