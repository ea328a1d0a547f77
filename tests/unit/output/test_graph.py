"""Diagrams: each format is spelled so that no name can be taken for syntax, and the same in every run."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.output.graph import LONGEST, Diagram, Edge, Node, dot, folded, mermaid

ODD = {
    "quotes": ('say "hi"', "say #34;hi#34;", 'say \\"hi\\"'),
    "pipes and brackets": ("a|b[c]{d}(e)", "a#124;b#91;c#93;#123;d#125;#40;e#41;", "a|b[c]{d}(e)"),
    "lines": ("a\nb\r\n\tc", "a b c", "a b c"),
    "emoji": ("🎉 é 日本", "🎉 é 日本", "🎉 é 日本"),
    "markup": ("<b>&amp;</b>", "#60;b#62;#38;amp#59;#60;/b#62;", "<b>&amp;amp;</b>"),
    "a backslash": ("a\\", "a#92;", "a\\\\"),
    "numbers of characters": ("#35;", "#35;35#59;", "#35;"),
    "directives": ("%%{init}%%", "#37;#37;#123;init#125;#37;#37;", "%%{init}%%"),
    "markdown": ("`x` *y* _z_ a_b", "#96;x#96; #42;y#42; #95;z#95; a_b", "`x` *y* _z_ a_b"),
    "lists": ("- a", "#45; a", "- a"),
    "numbered lists": ("1. a", "1#46; a", "1. a"),
    "what a terminal obeys": ("\x1b[31m\u202e", "#92;u001b#91;31m#92;u202e", "\\\\u001b[31m\\\\u202e"),
}


@pytest.mark.parametrize(("text", "in_mermaid", "in_dot"), ODD.values(), ids=ODD.keys())
def test_names_are_spelled_out(text: str, in_mermaid: str, in_dot: str) -> None:
    """On boxes and on arrows."""
    drawn = Diagram([Node("a", text, "tag"), Node("b", "b", "tag")], [Edge("a", "b", text)])
    assert f'n0["{in_mermaid}"]:::kind_tag' in mermaid(drawn)
    assert f'n0 -->|"{in_mermaid}"| n1' in mermaid(drawn)
    assert f'n0 [label="{in_dot}", shape=box' in dot(drawn)
    assert f'n0 -> n1 [label="{in_dot}"];' in dot(drawn)


@given(st.text(max_size=120))
def test_any_name_stays_inside_its_quotes(text: str) -> None:
    """A line each, whose quotes are two, whatever the name is."""
    drawn = Diagram([Node("a", text, "contact", outside=True)], [])
    (line,) = (each for each in mermaid(drawn).split("\n") if "n0" in each)
    assert re.fullmatch(r' {4}n0\(\["[^"\[\]{}()|<>`\\]*"\]\):::outside', line)
    (line,) = (each for each in dot(drawn).split("\n") if "n0" in each)
    assert re.fullmatch(
        r'  n0 \[label="([^"\\]|\\.)*", shape=ellipse, style="filled,dashed", fillcolor="#ffffff"\];', line
    )
    assert len(line) < 2 * LONGEST + 100 + 5 * text.count("&")


def test_shapes_and_order() -> None:
    """People, relations, what can only be referred to, what stands for nothing; dashed is order only."""
    nodes = [Node(kind, kind, kind) for kind in ("contact", "tagging", "course", "")]
    drawn = Diagram(nodes, [Edge("contact", "", dashed=True)], "a {caption}")
    lines = mermaid(drawn).splitlines()
    assert lines[:7] == [
        "flowchart LR",
        "%% a (caption)",
        '    n0(["contact"]):::kind_contact',
        '    n1{{"tagging"}}:::kind_tagging',
        '    n2[("course")]:::kind_course',
        '    n3((" ")):::kind_other',
        "    n0 -.-> n3",
    ]
    assert [
        shape for shape in ("ellipse", "hexagon", "cylinder", "circle") if f"shape={shape}" not in dot(drawn)
    ] == []
    assert "n0 -> n3 [style=dashed];" in dot(drawn)


def test_folding() -> None:
    """Above the limit those that are many become one box, and their arrows one with a number."""
    nodes = [Node(f"t{i}", f"t{i}", "tagging") for i in range(5)] + [Node("VIP", "VIP", "tag")]
    edges = [Edge(f"t{i}", "VIP", "needs") for i in range(5)] + [Edge("t0", "t1")]
    drawn = Diagram(nodes, edges)
    assert folded(drawn, 6, lambda node: node.kind == "tagging", lambda node: node.kind) == drawn
    few = folded(drawn, 5, lambda node: node.kind == "tagging", lambda node: node.kind)
    assert [each.label for each in few.nodes] == ["tagging × 5", "VIP"]
    assert few.edges == (Edge("tagging", "VIP", "needs × 5"),)
