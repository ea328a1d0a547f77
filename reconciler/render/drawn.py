"""A desired state, or a plan with its order → nodes and edges; how they are spelled is the diagram's business."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from reconciler.engine.graph import QUIET, SETTLED, Graph
from reconciler.kinds import KINDS
from reconciler.model.plan import Change, Step, Verb
from reconciler.model.resource import DesiredState
from reconciler.model.values import Address, unescape
from reconciler.render import words
from reconciler.render.diagram import Diagram, Edge, Node, folded

#: With more nodes than this, people and relations are drawn as one box for each kind.
MANY = 200
_BARRIERS = {QUIET: "webhooks are gone", SETTLED: "all else is done"}
#: How an address is shown.
Shown = Callable[[Address], str]


def of_files(state: DesiredState, shown: Shown, *, full: bool = False) -> Diagram:
    """Every declared resource, and an arrow to each that it needs; what no file declares is drawn as outside."""
    resources = state.resources
    needs = {address: KINDS[address.kind].refers_to(each.attrs) for address, each in resources.items()}
    outside = {target for targets in needs.values() for target in targets if target not in resources}
    nodes = [Node(str(a), shown(a), a.kind, a in outside) for a in _in_order({*resources, *outside})]
    edges = [Edge(str(a), str(target), "needs") for a in _in_order(resources) for target in _in_order(needs[a])]
    return _shortened(Diagram(nodes, edges, "an arrow leads from what needs to what is needed"), full)


def of_plan(graph: Graph, changes: Iterable[Change], shown: Shown, *, full: bool = False) -> Diagram:
    """Every step that sends something, in its order: solid where a failure skips what comes after, else dashed."""
    actions = {change.address: change for change in changes}
    nodes = [_step(step, actions[step.address], shown) for step in graph.order]
    nodes += [Node(_key(step), _BARRIERS[step], "") for step in sorted(graph.barriers, key=_key)]
    edges = [*_edges(graph.needs, "needs", False), *_edges(graph.after, "", True)]
    return _shortened(Diagram(nodes, edges, "an arrow leads from what is done first"), full)


def _step(step: Step, change: Change, shown: Shown) -> Node:
    symbol = {Verb.DROP: "-", Verb.PARK: "…"}.get(step.verb) or words.SYMBOLS[change.action].rpartition("/")[2]
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
    """``+ contact``: people and relations by kind, and by what is done to them."""
    symbol, space, _ = node.label.partition(" ")
    done = f"{symbol} " if space and symbol in {*words.SYMBOLS.values(), "…"} else ""
    return f"{done}{node.kind}{' (not declared)' if node.outside else ''}"


def label_of(address: Address) -> str:
    """An address as it is read: without escapes."""
    return f"{address.kind}/{'/'.join(unescape(part) for part in address.key.split('/'))}"
