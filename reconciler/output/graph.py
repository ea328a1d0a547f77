"""Draws the dependency graph of a desired state or a plan as Mermaid or DOT text.

Names come from people and accounts, so everything that either language would interpret in them is escaped. The same
graph gives the same text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.model.plan import Change, Step, Verb
from reconciler.model.resource import DesiredState
from reconciler.model.values import Address, unescape
from reconciler.output import wording
from reconciler.output.plan_sheet import SIGNS
from reconciler.planner.order import QUIET, SETTLED, Graph

#: Default limits of Mermaid, which GitHub and GitLab use: characters of text, and edges.
MERMAID_TEXT, MERMAID_EDGES = 50_000, 500
#: Labels longer than this are cut.
LONGEST = 80
_FILLS = (
    "#dbeafe",
    "#dcfce7",
    "#fef9c3",
    "#fce7f3",
    "#ede9fe",
    "#ffedd5",
    "#ccfbf1",
    "#fee2e2",
    "#e0e7ff",
    "#f1f5f9",
    "#ecfccb",
    "#fae8ff",
)
_COLOURS = {name: _FILLS[index % len(_FILLS)] for index, name in enumerate(sorted(KINDS))}


class Node(NamedTuple):
    """A box: its key, its text, the kind that gives it colour and shape; ``outside``: not managed."""

    key: str
    label: str
    kind: str
    outside: bool = False


class Edge(NamedTuple):
    """An arrow between the keys of two nodes; ``dashed`` is order only."""

    start: str
    end: str
    label: str = ""
    dashed: bool = False


class Diagram(NamedTuple):
    """A diagram; ``caption`` is a comment in its text."""

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    caption: str = ""


def mermaid(diagram: Diagram) -> str:
    """A Mermaid flowchart (https://mermaid.js.org/syntax/flowchart.html)."""
    lines = ["flowchart LR", *_comment("%% ", diagram.caption)]
    ids = _ids(diagram)
    for node in diagram.nodes:
        before, after = _mermaid_shape(node)
        lines.append(f'    {ids[node.key]}{before}"{_mermaid_text(node.label)}"{after}:::{_class(node)}')
    for edge in diagram.edges:
        arrow = "-.->" if edge.dashed else "-->"
        text = f'|"{_mermaid_text(edge.label)}"|' if edge.label else ""
        lines.append(f"    {ids[edge.start]} {arrow}{text} {ids[edge.end]}")
    for name in sorted({node.kind for node in diagram.nodes}):
        lines.append(f"    classDef {_word(name)} fill:{_colour(name)},stroke:#475569,color:#0f172a")
    if any(node.outside for node in diagram.nodes):
        lines.append("    classDef outside fill:#ffffff,stroke:#94a3b8,color:#475569,stroke-dasharray:4 3")
    return "\n".join(lines) + "\n"


def too_big_for_mermaid(text: str, diagram: Diagram) -> bool:
    """Whether Mermaid's usual limits forbid to draw this text."""
    return len(text) > MERMAID_TEXT or len(diagram.edges) > MERMAID_EDGES


def dot(diagram: Diagram) -> str:
    """A graph in the DOT language (https://graphviz.org/doc/info/lang.html)."""
    lines = ["digraph reconciler {", *_comment("  // ", diagram.caption)]
    lines += [
        '  graph [rankdir=LR, charset="UTF-8"];',
        '  node [style=filled, color="#475569", fontname="Helvetica", fontsize=11];',
        '  edge [color="#64748b", fontname="Helvetica", fontsize=9];',
    ]
    ids = _ids(diagram)
    for node in diagram.nodes:
        style = 'style="filled,dashed", fillcolor="#ffffff"' if node.outside else f'fillcolor="{_colour(node.kind)}"'
        label = _dot_text(node.label)
        lines.append(f'  {ids[node.key]} [label="{label}", shape={_dot_shape(node.kind)}, {style}];')
    for edge in diagram.edges:
        marks = [f'label="{_dot_text(edge.label)}"'] if edge.label else []
        marks += ["style=dashed"] if edge.dashed else []
        lines.append(f"  {ids[edge.start]} -> {ids[edge.end]}" + (f" [{', '.join(marks)}];" if marks else ";"))
    return "\n".join([*lines, "}"]) + "\n"


#: Formats by name.
FORMATS: Mapping[str, Callable[[Diagram], str]] = {"mermaid": mermaid, "dot": dot}


def _ids(diagram: Diagram) -> dict[str, str]:
    return {node.key: f"n{index}" for index, node in enumerate(diagram.nodes)}


def _comment(mark: str, caption: str) -> Iterator[str]:
    if caption:
        yield mark + wording.printable(caption).replace("{", "(").replace("}", ")")


def _class(node: Node) -> str:
    return "outside" if node.outside else _word(node.kind)


def _word(kind: str) -> str:
    """The name of a kind with a prefix, since some kinds have names that the language reserves."""
    return f"kind_{kind or 'other'}"


def _colour(kind: str) -> str:
    return _COLOURS.get(kind, "#e2e8f0")


def _mermaid_shape(node: Node) -> tuple[str, str]:
    """The brackets of a node: round for people, hexagonal for relations, a cylinder for reference targets."""
    kind = KINDS.get(node.kind)
    if kind is None:
        return "((", "))"
    return {"person": ("([", "])"), "relation": ("{{", "}}"), "target": ("[(", ")]")}.get(_sort(kind), ("[", "]"))


def _dot_shape(name: str) -> str:
    kind = KINDS.get(name)
    if kind is None:
        return "circle"
    return {"person": "ellipse", "relation": "hexagon", "target": "cylinder"}.get(_sort(kind), "box")


def _sort(kind: Kind) -> str:
    if not kind.section:
        return "target"
    return "relation" if kind.parents else "person" if kind.person else "thing"


def _line(text: str) -> str:
    """The text on one line, cut if it is very long."""
    line = wording.printable(" ".join(text.split())) or " "
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _mermaid_text(text: str) -> str:
    """Text for double quotes; characters with a meaning in Mermaid or Markdown are written as ``#number;``."""
    line = _line(text)
    beside = zip(f" {line}", line, f"{line[1:]} ", strict=False)
    listed = re.match(r"\d+\.", line)
    return "".join(
        f"#{ord(char)};" if not _is_plain(before, char, after) or (listed and index == listed.end() - 1) else char
        for index, (before, char, after) in enumerate(beside)
    )


def _is_plain(before: str, char: str, after: str) -> bool:
    """Whether a character needs no escape: letters, digits, punctuation, and ``-+_~`` inside a word."""
    if char in "-+_~":
        return before.isalnum() and after.isalnum()
    return char.isalnum() or char in " @.,/:'!?…×" or ord(char) > 127


def _dot_text(text: str) -> str:
    """Text for double quotes; quotes, backslashes and ``&``, which begins an entity, are escaped."""
    return _line(text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def folded(diagram: Diagram, limit: int, is_many: Callable[[Node], bool], name: Callable[[Node], str]) -> Diagram:
    """The diagram with the nodes that ``is_many`` selects combined by ``name``, if it has more than ``limit`` nodes.

    Edges that coincide then become one edge with their number.
    """
    if len(diagram.nodes) <= limit:
        return diagram
    heaps: dict[str, list[Node]] = {}
    for node in diagram.nodes:
        heaps.setdefault(name(node) if is_many(node) else node.key, []).append(node)
    nodes = [_heap(key, heap) if len(heap) > 1 else heap[0]._replace(key=key) for key, heap in heaps.items()]
    places = {node.key: key for key, heap in heaps.items() for node in heap}
    return diagram._replace(nodes=nodes, edges=tuple(_counted(diagram.edges, places)))


def _heap(key: str, heap: Sequence[Node]) -> Node:
    return heap[0]._replace(key=key, label=f"{key} × {len(heap):,}")


def _counted(edges: Iterable[Edge], places: Mapping[str, str]) -> Iterator[Edge]:
    numbers: dict[Edge, int] = {}
    for edge in edges:
        moved = edge._replace(start=places[edge.start], end=places[edge.end])
        if moved.start != moved.end:
            numbers[moved] = numbers.get(moved, 0) + 1
    for edge, number in numbers.items():
        yield edge._replace(label=f"{edge.label} × {number:,}".strip()) if number > 1 else edge


#: With more nodes than this, people and relations are drawn as one box for each kind.
MANY = 200
_BARRIERS = {QUIET: "webhooks are gone", SETTLED: "all else is done"}
#: Makes the label of an address.
Shown = Callable[[Address], str]


def of_files(state: DesiredState, shown: Shown, *, full: bool = False) -> Diagram:
    """Every declared resource with an arrow to each one that it needs; undeclared ones are drawn as external."""
    resources = state.resources
    needs = {address: KINDS[address.kind].refers_to(each.attrs) for address, each in resources.items()}
    outside = {target for targets in needs.values() for target in targets if target not in resources}
    nodes = [Node(str(a), shown(a), a.kind, a in outside) for a in _in_order({*resources, *outside})]
    edges = [Edge(str(a), str(target), "needs") for a in _in_order(resources) for target in _in_order(needs[a])]
    return _shortened(Diagram(nodes, edges, "an arrow leads from what needs to what is needed"), full)


def of_plan(graph: Graph, changes: Iterable[Change], shown: Shown, *, full: bool = False) -> Diagram:
    """Every step that sends a request, in order; an arrow is solid if a failure skips the next step, else dashed."""
    actions = {change.address: change for change in changes}
    nodes = [_step(step, actions[step.address], shown) for step in graph.order]
    nodes += [Node(_key(step), _BARRIERS[step], "") for step in sorted(graph.barriers, key=_key)]
    edges = [*_edges(graph.needs, "needs", False), *_edges(graph.after, "", True)]
    return _shortened(Diagram(nodes, edges, "an arrow leads from what is done first"), full)


def _step(step: Step, change: Change, shown: Shown) -> Node:
    symbol = {Verb.DROP: "-", Verb.PARK: "…"}.get(step.verb) or SIGNS[change.action.value].symbol.rpartition("/")[2]
    return Node(_key(step), f"{symbol} {shown(step.address)}", step.address.kind)


def _key(step: Step) -> str:
    return f"{step.address} {step.verb.value}"


def _edges(before: Mapping[Step, frozenset[Step]], label: str, dashed: bool) -> Iterator[Edge]:
    for step in sorted(before, key=_key):
        for earlier in sorted(before[step], key=_key):
            yield Edge(_key(earlier), _key(step), label, dashed)


def _in_order(addresses: Iterable[Address]) -> list[Address]:
    return sorted(set(addresses), key=lambda each: (bool(KINDS[each.kind].parents), each.kind, each.key))


def _shortened(diagram: Diagram, full: bool) -> Diagram:
    return diagram if full else folded(diagram, MANY, _is_many, _heaped)


def _is_many(node: Node) -> bool:
    kind = KINDS.get(node.kind)
    return kind is not None and bool(kind.section) and (kind.person or bool(kind.parents))


def _heaped(node: Node) -> str:
    """The name of a combined node, such as ``+ contact``: action and kind."""
    symbol, space, _ = node.label.partition(" ")
    done = f"{symbol} " if space and symbol in {*(sign.symbol for sign in SIGNS.values()), "…"} else ""
    return f"{done}{node.kind}{' (not declared)' if node.outside else ''}"


def label_of(address: Address) -> str:
    """An address without escapes."""
    return f"{address.kind}/{'/'.join(unescape(part) for part in address.key.split('/'))}"
