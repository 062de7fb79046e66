"""What printers of operation trees share: which nodes get a name, and in which order lines come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simdyn.lowering.tree import Node, schedule

DEEPEST = 20
"""Levels of brackets in one line; Python's parser and Numba's type inference end at some hundred."""


class Printer:
    """Statements for one dtype; a subclass writes them in its language."""

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def literal(self, value: float) -> str:
        """A typed literal."""
        raise NotImplementedError

    def assignment(self, name: str, node: Node, text: str) -> str:
        """The line that gives the value of `node` a name."""
        raise NotImplementedError

    def operation(self, node: Node, args: Sequence[str]) -> str:
        """An operation on arguments that are written down already."""
        raise NotImplementedError

    def statements(
        self, outputs: Sequence[tuple[str, Node]], names: Mapping[str, str], prefix: str
    ) -> list[str]:
        """Lines that assign each output node to its target name; temporaries are called prefix0, prefix1,
        ...

        `names` translates the names in the tree to those of the kernel.
        """
        order, uses = schedule(node for _, node in outputs)
        written: dict[Node, str] = {}
        depth: dict[Node, int] = {}
        lines: list[str] = []
        for node in order:
            text = self._text(node, written, names)
            depth[node] = 1 + max((depth[argument] for argument in node.args), default=-1)
            if node.args and (uses[node] > 1 or depth[node] >= DEEPEST):
                name = f"{prefix}{len(lines)}"
                lines.append(self.assignment(name, node, text))
                text, depth[node] = name, 0
            written[node] = text
        return [*lines, *(self.assignment(target, node, written[node]) for target, node in outputs)]

    def _text(self, node: Node, written: Mapping[Node, str], names: Mapping[str, str]) -> str:
        if node.op == "const":
            return self.literal(node.value)
        if node.op == "name":
            return names.get(node.name, node.name)
        return self.operation(node, [written[argument] for argument in node.args])
