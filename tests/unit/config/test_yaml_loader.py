"""Text to nodes: positions, and every way in which a file can be wrong."""

import codecs
import gc

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config import yaml_errors, yaml_loader
from reconciler.config.positions import MappingNode, SequenceNode, copied, value_origin
from reconciler.config.problems import Finding
from reconciler.config.yaml_loader import parse
from reconciler.errors import ConfigurationError
from reconciler.model.values import Origin


def refused(text):
    """All problems of a text, as lines."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text, "a.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_scalars_stay_text():
    """Nothing is resolved here, whatever it looks like."""
    node = parse("a: no\nb: +336\nc: 01234\nd: 2024-01-01\ne: 12:30\nf: null\ng:\nh: 1.0\n", "a.yaml")
    assert dict(node) == {
        "a": "no",
        "b": "+336",
        "c": "01234",
        "d": "2024-01-01",
        "e": "12:30",
        "f": "null",
        "g": "",
        "h": "1.0",
    }


def test_positions_of_keys_values_and_nodes():
    """Every node, key and value knows its line and column, from 1."""
    node = parse("tags:\n  - VIP\n  - name: Gold\n    note: x\n", "a.yaml")
    items = node["tags"]
    assert node.origin() == Origin("a.yaml", 1, 1)
    assert node.origin("tags") == Origin("a.yaml", 1, 1)
    assert node.value_origin("tags") == items.origin() == Origin("a.yaml", 2, 3)
    assert items.origin(0) == Origin("a.yaml", 2, 5)
    assert items[1].origin("note") == Origin("a.yaml", 4, 5)
    assert value_origin(items[1], "note") == Origin("a.yaml", 4, 11)
    assert value_origin(items, 1) == items[1].origin() == Origin("a.yaml", 3, 5)
    assert node.origin("absent") == node.value_origin("absent") == node.origin()


def test_plain_scalars_are_told_from_quoted_and_tagged_ones():
    """``null`` and "null" differ; ``!!str`` counts as quoted, other core tags as plain."""
    node = parse("a: null\nb: 'null'\nc: \"null\"\nd: !!str null\ne: !!int '5'\nf: ! x\ng: |\n  null\n", "a.yaml")
    assert [node.is_plain(key) for key in node] == [True, False, False, False, True, False, False]
    assert [parse("[x, 'x']", "a.yaml").is_plain(index) for index in (0, 1)] == [True, False]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n", "--- ~\n", "null\n", "\ufeff"])
def test_an_empty_file_is_an_empty_mapping(text):
    """Nothing, comments only and an explicit nothing are all fine."""
    node = parse(text, "a.yaml")
    assert isinstance(node, MappingNode)
    assert not node
    assert node.origin() == Origin("a.yaml", 1, 1)


def test_other_roots_are_returned_as_they_are():
    """What the root has to be is decided later."""
    assert isinstance(parse("- a\n", "a.yaml"), SequenceNode)
    assert parse("word", "a.yaml") == "word"
    assert parse("'null'", "a.yaml") == "null"


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_yaml_names(codec):
    """UTF-8 with and without a mark, UTF-16 with one; the mark does not move columns."""
    node = parse("é: ü\n".encode(codec), "a.yaml")
    assert node == {"é": "ü"}
    assert node.value_origin("é") == Origin("a.yaml", 1, 4)


def test_latin_1_is_refused_at_its_place():
    """The first byte that is not UTF-8 is named."""
    assert refused("a: b\nname: Andr\xe9\n".encode("latin-1")) == ["a.yaml:2:11: not valid UTF-8; save it as UTF-8"]
    assert "not valid UTF-16" in refused(codecs.BOM_UTF16_LE + b"a\x00\x00\xd8\x00\x00")[0]


def test_control_characters_are_refused_at_their_place():
    """The character is named by its number, not printed."""
    (found,) = refused("a: 1\nb: x\x07\n")
    assert found.startswith("a.yaml:2:5: the character U+0007 is not allowed in a YAML file; remove it")
    assert "U+0000" in refused(b"a: \x00")[0]


def test_half_a_surrogate_pair_is_refused():
    """Text that cannot be UTF-8 ends in a message."""
    assert "a.yaml:1:" in refused("a: \ud800")[0]


def test_duplicate_keys_name_the_first_place_and_all_are_found():
    """Every duplicate of a file is reported at once."""
    assert refused("a: 1\nb: {x: 1, x: 2}\na: 2\n") == [
        'a.yaml:2:11: duplicate key "x"; first at line 2, column 5; remove one of them',
        'a.yaml:3:1: duplicate key "a"; first at line 1, column 1; remove one of them',
    ]


def test_thousands_of_duplicates_end_quickly():
    """A thousand are told."""
    text = "".join(f"k{n}: 1\n" for n in range(20_000))
    assert len(refused(text + text)) == 1_000


def test_a_quoted_key_is_the_same_key():
    """Keys are compared as text."""
    assert "duplicate key" in refused("a: 1\n'a': 2\n")[0]


@pytest.mark.parametrize("text", ["? [a, b]\n: c\n", "{a: 1}: 2\n", "x: &x [1]\n*x : 2\n"])
def test_complex_keys_are_refused(text):
    """A key is text."""
    assert "a list or mapping is used as a key" in refused(text)[0]


def test_an_alias_of_text_may_be_a_key():
    """The text of the anchor is the key."""
    assert parse("a: &k name\n*k : x\n? &z y\n: w\n", "a.yaml") == {"a": "name", "name": "x", "y": "w"}


def test_aliases_are_copies_that_keep_their_positions():
    """A repeated node is a tree of its own; what is in it was written at the anchor."""
    node = parse("a: &x {k: v}\nb: *x\nc: &s ~\nd: *s\ne: [*x]\n", "a.yaml")
    assert node["a"] == node["b"]
    assert node["a"] is not node["b"]
    assert node["b"].origin("k") == Origin("a.yaml", 1, 8)
    assert node.value_origin("b") == Origin("a.yaml", 2, 4)
    assert node.is_plain("d")
    assert node["e"] == [{"k": "v"}]


def test_unknown_and_recursive_aliases_are_refused():
    """Both are found in one reading."""
    found = refused("a: *nobody\nb: &self\n  - *self\n")
    assert "alias *nobody has no anchor before it" in found[0]
    assert found[1].startswith("a.yaml:3:5: alias *self is used inside of its own anchor")


def bomb(levels=9, width=9):
    """The classic: each level repeats the one before nine times."""
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * width)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_an_alias_bomb_ends_quickly():
    """Nine levels of nine would be 387 million items, which no machine makes in a minute."""
    assert "the aliases in this file expand to more than" in refused(bomb())[0]


def test_a_merge_bomb_ends_quickly():
    """Merging repeats as well."""
    lines = ["l0: &l0 {a: [1, 2, 3, 4, 5, 6, 7, 8, 9]}"]
    lines += [f"l{n}: &l{n} {{" + ", ".join(f"k{i}: *l{n - 1}" for i in range(9)) + "}" for n in range(1, 9)]
    assert "the aliases in this file expand to more than" in refused("\n".join(lines))[0]


def test_a_chain_of_aliases_does_not_nest_too_deep():
    """Aliases count for depth too."""
    lines = ["l0: &l0 [x]"] + [f"l{n}: &l{n} [*l{n - 1}]" for n in range(1, 130)]
    assert "after expanding aliases the file is nested more than 100 deep" in refused("\n".join(lines))[0]


def test_many_small_aliases_are_fine():
    """The budget grows with the file."""
    text = "base: &b {x: 1, y: 2}\nitems:\n" + "  - {<<: *b, name: n}\n" * 20_000
    assert len(parse(text, "a.yaml")["items"]) == 20_000


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000])
def test_deep_nesting_ends_in_a_message(text):
    """A hundred thousand levels are refused at the hundred and first, or by the parser before."""
    assert len(refused(text)) == 1


def test_a_hundred_levels_are_read():
    """The limit is exact."""
    assert parse("[" * 100 + "]" * 100, "a.yaml")
    assert "mappings and lists are nested more than 100 deep" in refused("[" * 101 + "]" * 101)[0]


@pytest.mark.parametrize(
    "text",
    ["a: !python/object:os.system x\n", "a: !foo [1]\n", "a: !!set {b}\n", "a: !!binary aGk=\n", "!x {a: b}\n"],
)
def test_custom_tags_are_refused(text):
    """Only the core tags are known."""
    assert "; remove the tag" in refused(text)[0]


def test_core_tags_of_collections_are_accepted():
    """``!!map`` and ``!!seq`` say what is there anyway."""
    assert parse("!!map {a: !!seq [1]}", "a.yaml") == {"a": ["1"]}


def test_several_documents_are_refused():
    """The second one is pointed at."""
    assert refused("a: 1\n---\nb: 2\n")[0].startswith("a.yaml:2:1: a second document begins here")


def test_findings_before_broken_syntax_are_kept():
    """What was found before the parser gave up is reported with it."""
    assert len(refused("a: 1\na: 2\nb: [\n")) == 2


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("a:\n\t- x\n", "2:1", "a tab is used for indentation"),
        ("a: |\n\tx\n", "2:1", "a tab is used for indentation"),
        ("a: b: c\n", "1:5", "unexpected `:`"),
        ("a: [1, 2\n", "1:4", "unclosed `[`"),
        ("a: {x: 1\n", "1:4", "unclosed `{`"),
        ("a: [", "2:1", "missing value"),
        ("a: 'x\n", "1:4", "unclosed quote"),
        ("- a\nb: c\n", "2:1", "this line does not continue the list above it"),
        ("a: @x\n", "1:4", 'an unquoted value cannot begin with "@"'),
        ("a: !e!x y\n", "1:4", "undefined YAML tag"),
        ("%YAML 3.0\n---\na: 1\n", "1:1", "unsupported %YAML version"),
        ("a: *\n", "1:5", "no name follows"),
        ('a: "\\q"\n', "1:5", "unknown escape sequence"),
        ("{a: 1}}\n", "1:7", "unexpected text after the end of the document"),
        ("a: &x &y z\n", "1:7", "expected a key or the end of the mapping"),
    ],
)
def test_broken_syntax_in_plain_words(text, where, words):
    """What PyYAML says becomes a sentence at its position."""
    (found,) = refused(text)
    assert found.startswith(f"a.yaml:{where}: ")
    assert words in found


def test_what_has_no_words_of_its_own_still_has_a_position():
    """An unforeseen complaint is passed on."""
    mark = yaml.Mark("x", 0, 2, 4, None, None)
    found = yaml_errors.explain(yaml.MarkedYAMLError("context", None, "strange", mark), "", "a.yaml")
    assert str(found.problem()).startswith("a.yaml:3:5: invalid YAML: strange")
    assert yaml_errors.explain(yaml.YAMLError("x"), "", "a.yaml").origin == Origin("a.yaml", 1, 1)
    assert yaml_errors.explain(yaml.MarkedYAMLError("c", None, "p", None), "", "a.yaml").origin.line == 1


def test_merge_keys():
    """Explicit keys win, the earlier mapping before the later one, positions are those of the origin."""
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\n"
    node = parse(text, "a.yaml")["c"]
    assert node == {"x": "3", "y": "1", "z": "2"}
    assert node.origin("x") == Origin("a.yaml", 5, 3)
    assert node.origin("z") == Origin("a.yaml", 2, 14)
    assert node.value_origin("y") == Origin("a.yaml", 1, 17)


def test_merge_keys_of_one_mapping_and_quoted_ones():
    """A quoted ``<<`` is a key like any other."""
    assert parse("a: {<<: {x: 1}, y: 2}", "a.yaml")["a"] == {"y": "2", "x": "1"}
    assert parse("'<<': 1", "a.yaml") == {"<<": "1"}


@pytest.mark.parametrize("text", ["<<: text\n", "<<: [a]\n"])
def test_merging_what_is_no_mapping_is_refused(text):
    """Only mappings can be merged."""
    assert "`<<` takes a mapping" in refused(text)[0]


def test_two_merge_keys_are_a_duplicate():
    """A list says the same without doubt."""
    assert "duplicate key" in refused("a: &a {x: 1}\nb: {<<: *a, <<: *a}\n")[0]


def test_the_pure_parser_gives_the_same(monkeypatch):
    """Where libyaml is missing, PyYAML's own parser serves."""
    text = "a: &x [1, 'null']\nb: {<<: {q: *x}}\nc:\n"
    fast = parse(text, "a.yaml")
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    pure = parse(text, "a.yaml")
    assert pure == fast
    assert [pure.origin(key) for key in pure] == [fast.origin(key) for key in fast]
    assert [pure.is_plain(key) for key in pure] == [fast.is_plain(key) for key in fast]
    assert "cannot begin with" in refused("a: @x")[0]
    assert len(refused("[" * 5000)) == 1


def test_the_collector_is_as_before():
    """Pausing it leaves it as it was found, also after an error."""
    assert gc.isenabled()
    refused("a: [")
    assert gc.isenabled()
    gc.disable()
    try:
        with yaml_loader.collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
trees = st.recursive(
    words, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=20
)


def compare(ours, composed, container=None, key=None):
    """Our node and PyYAML's, side by side: same values, same marks."""
    if container is not None:
        mark = composed.start_mark
        assert value_origin(container, key) == Origin("a.yaml", mark.line + 1, mark.column + 1)
    if isinstance(composed, yaml.MappingNode):
        assert len(ours) == len(composed.value)
        for name, value in composed.value:
            mark = name.start_mark
            assert ours.origin(name.value) == Origin("a.yaml", mark.line + 1, mark.column + 1)
            compare(ours[name.value], value, ours, name.value)
    elif isinstance(composed, yaml.SequenceNode):
        for index, value in enumerate(composed.value):
            compare(ours[index], value, ours, index)
    else:
        assert ours == composed.value


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(words, trees, min_size=1, max_size=4), st.booleans(), st.sampled_from([None, True, False]))
def test_positions_agree_with_the_composer(tree, wide, flow):
    """Any document has the values and marks that PyYAML's own node graph has."""
    text = yaml.safe_dump(tree, allow_unicode=wide, default_flow_style=flow)
    composed = yaml.compose(text, Loader=yaml.CSafeLoader)
    ours = parse(text, "a.yaml")
    compare(ours, composed)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60))
def test_random_bytes_never_crash(content):
    """Anything is a document or a ConfigurationError."""
    try:
        parse(content, "a.yaml")
    except ConfigurationError as error:
        assert error.problems
        with pytest.raises(yaml_loader.Unstreamable):
            list(yaml_loader.parts(content, "a.yaml"))


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("ab:-?[]{},&*!|>'\"%@`# \n\t<~\ud800\x07é"), max_size=40))
def test_random_yaml_like_text_never_crashes(text):
    """The same for text made of what means something in YAML."""
    try:
        parse(text, "a.yaml")
    except ConfigurationError as error:
        assert all(problem.where.startswith("a.yaml:") for problem in error.problems)
        with pytest.raises(yaml_loader.Unstreamable):
            list(yaml_loader.parts(text.encode(errors="surrogatepass"), "a.yaml"))


def test_the_parser_in_python_knows_no_escape_beyond_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without libyaml its error has no position."""
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    with pytest.raises(ConfigurationError, match="f:2:10: invalid Unicode escape"):
        parse('a: b\ntags: [ "\\UFFFFFFFF"]\n', "f")


PARTS = {
    "lists of every length": "tags: [a, b]\nwebhooks: []\nx: [a, b, c]\ny: [{k: v}]\n",
    "other values": "tags: text\nwebhooks: {a: [b, {c: d}]}\nx:\n",
    "anchors": "x-a: &a {k: [v]}\ntags: [&b {k: *a}, *b, {<<: *a, l: m}]\nx: *a\ny: &c [a, b, c]\nz: *c\n",
    "empty": "# nothing\n",
}


@pytest.mark.parametrize("text", PARTS.values(), ids=PARTS)
def test_parts_are_the_whole(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The same sections, items and positions, although the caller changes items whose anchors are used later."""
    monkeypatch.setattr(yaml_loader, "PART_SIZE", 2)
    whole, again = parse(text, "a.yaml"), MappingNode.at("a.yaml")
    assert isinstance(whole, MappingNode)
    for part in yaml_loader.parts(text.encode(), "a.yaml"):
        ((section, value),) = part.items()
        assert part.origin(section) == whole.origin(section)
        assert part.value_origin(section) == whole.value_origin(section)
        known = again.setdefault(section, [] if isinstance(value, list) else value)
        if isinstance(value, SequenceNode):
            places = [value.origin(index) for index in range(len(value))]
            assert places == [whole[section].origin(len(known) + index) for index in range(len(value))]
            known += copied(value)
            for item in value:
                if isinstance(item, MappingNode):
                    item.clear()
    assert again == whole


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("first", ["", "\ufeff"])
def test_parts_have_the_positions_and_warnings_of_the_whole(encoding: str, first: str) -> None:
    """In every encoding, also behind a second byte order mark and characters of several bytes."""
    content = f"{first}a: é \U0001f600\nx: one - two\n  - three\n".encode(encoding)
    warnings: list[list[Finding]] = [[], []]
    whole = parse(content, "a.yaml", warnings[0].append)
    assert isinstance(whole, MappingNode)
    for part in yaml_loader.parts(content, "a.yaml", warnings[1].append):
        ((key, value),) = part.items()
        assert (value, part.origin(key), part.value_origin(key)) == (
            whole[key],
            whole.origin(key),
            whole.value_origin(key),
        )
    assert warnings[0] == warnings[1]
    assert len(warnings[0]) == 1


@pytest.mark.parametrize(
    "text", ["[a]", "a: [b]\na: [c]", "x: &a {b: [c]}\n<<: *a", "a: [b]\n---\nc: []", "a: [*b]", "a: ]"]
)
def test_refused_files_have_no_parts(text: str) -> None:
    """They are read whole, to report the errors."""
    with pytest.raises(yaml_loader.Unstreamable):
        list(yaml_loader.parts(text.encode(), "a.yaml"))
