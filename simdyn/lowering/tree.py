"""The operation tree: what one step computes, down to each rounding, independent of any language.

Nodes are interned by their `Builder`, so equal subexpressions are one node; a node that is used more than
once becomes a named temporary when a printer writes the tree down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LOGICAL = frozenset({"lt", "le", "gt", "ge", "and", "or", "not", "true", "false"})
"""Operations whose value is a truth value; all others give a real number."""


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    `op` is "const" (with `value`), "name" (with `name`), a unary ("neg", "sqrt", "abs", "exp", "log", "sin",
    "cos", "not"), a binary ("add", "sub", "mul", "div", "lt", "le", "gt", "ge", "and", "or"), "fma", or
    "select" (condition, then, else).
    """

    op: str
    args: tuple[Node, ...] = ()
    value: float = 0.0
    name: str = ""


@dataclass
class Builder:
    """Makes nodes, each once."""

    _known: dict[tuple[object, ...], Node] = field(default_factory=dict)

    def const(self, value: float) -> Node:
        """A literal."""
        return self._intern(Node("const", value=float(value)))

    def name(self, name: str) -> Node:
        """A coordinate, a normal, or a run-time constant."""
        return self._intern(Node("name", name=name))

    def op(self, op: str, *args: Node) -> Node:
        """An operation on nodes."""
        return self._intern(Node(op, args))

    def add(self, terms: Iterable[Node]) -> Node:
        """A sum from left to right, with products fused into it."""
        total: Node | None = None
        for term in sorted(terms, key=_is_product):
            if total is None:
                total = term
            elif term.op == "mul":
                total = self.op("fma", *term.args, total)
            elif term.op == "neg" and term.args[0].op == "mul":
                first, second = term.args[0].args
                total = self.op("fma", self.op("neg", first), second, total)
            elif term.op == "neg":
                total = self.op("sub", total, term.args[0])
            elif total.op == "neg":
                total = self.op("sub", term, total.args[0])
            else:
                total = self.op("add", total, term)
        return self.const(0.0) if total is None else total

    def product(self, factors: Iterable[Node]) -> Node:
        """A product from left to right."""
        total: Node | None = None
        for factor in factors:
            total = factor if total is None else self.op("mul", total, factor)
        return self.const(1.0) if total is None else total

    def power(self, base: Node, exponent: int) -> Node:
        """A positive integer power by repeated squaring."""
        if exponent == 1:
            return base
        half = self.power(base, exponent // 2)
        square = self.op("mul", half, half)
        return self.op("mul", square, base) if exponent % 2 else square

    def both(self, conditions: Iterable[Node]) -> Node:
        """The conjunction of conditions."""
        return self._fold("and", conditions)

    def either(self, conditions: Iterable[Node]) -> Node:
        """The disjunction of conditions."""
        return self._fold("or", conditions)

    def replaced(self, tree: Node, leaves: Mapping[Node, Node]) -> Node:
        """`tree` with other leaves in place of some."""
        made = dict(leaves)
        for node in schedule([tree])[0]:
            if node not in made:
                made[node] = (
                    self.op(node.op, *(made[argument] for argument in node.args))
                    if node.args
                    else self._intern(node)
                )
        return made[tree]

    def _fold(self, op: str, conditions: Iterable[Node]) -> Node:
        total: Node | None = None
        for condition in conditions:
            total = condition if total is None else self.op(op, total, condition)
        if total is None:
            raise ValueError(f"nothing to combine by {op}")
        return total

    def _intern(self, node: Node) -> Node:
        # repr tells 0.0 from -0.0, which compare equal.
        key = (node.op, node.args, repr(node.value), node.name)
        return self._known.setdefault(key, node)


def _is_product(node: Node) -> bool:
    return node.op == "mul" or (node.op == "neg" and node.args[0].op == "mul")


def schedule(roots: Iterable[Node]) -> tuple[list[Node], dict[Node, int]]:
    """Nodes below `roots` in an order in which each comes after its arguments, and how often each is used."""
    order: list[Node] = []
    uses: dict[Node, int] = {}
    for root in roots:
        stack: list[tuple[Node, bool]] = [(root, False)]
        while stack:
            node, expanded = stack.pop()
            if expanded:
                order.append(node)
                continue
            uses[node] = uses.get(node, 0) + 1
            if uses[node] == 1:
                stack.append((node, True))
                stack.extend((argument, False) for argument in reversed(node.args))
    return order, uses
