"""Topics by name → what each page says; what a table knows is taken from the table.

The tables that decide → the blocks that pages of the manual are made of: rows of kinds, words, codes, formats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from reconciler.kinds import KINDS, SECTIONS
from reconciler.kinds.base import Kind
from reconciler.model.policy import Limits
from reconciler.output.events import EVENTS
from reconciler.output.formats import FORMATS
from reconciler.output.meanings import ALLOWS, CODES, PRUNES
from reconciler.planner.approvals import COUNTED, UNCOUNTED

Settings = Sequence[tuple[str, str]]


def _files(_: Settings) -> Iterable[Block]:
    yield (
        "Every *.yaml and *.yml below the project's folder is read, hidden ones excepted; how they are split is "
        "yours to choose. A file has sections:"
    )
    yield kind_rows()
    yield CodeExample("""
tags: [VIP]
contacts:
  - email: ann@example.com
    first_name: Ann
    tags: [VIP]
""")
    yield (
        "Plain text needs no quotes: +33612345678, 01234 and no stay text. A list that is not there is not managed; "
        "an empty one (tags: []) means: none of ours. renamed_from makes a rename of what would be a deletion and a "
        "creation. ${var.NAME} and ${env.RECONCILER_VAR_NAME:-default} work in any text."
    )
    yield (
        "`reconciler validate` checks the files offline, `reconciler fmt` sorts them, `reconciler schema` prints "
        "what editors check them by."
    )


def _addresses(_: Settings) -> Iterable[Block]:
    yield (
        "A resource has one name in plans, reports, the ledger and on the command line, its address: the kind, a "
        "slash, and what it is known by."
    )
    yield CodeExample("tag/VIP\ncontact/ann@example.com\ntagging/ann@example.com/VIP\ntag/@gold")
    yield (
        "An address that begins with @ after the slash is a handle, which stays when the name changes. A / in a name "
        "is written %2F and a % as %25. #ID stands for what has no name of its own."
    )
    yield (
        "--target, --exclude, --accept and `ledger list` take patterns too: * stands for any text, ? for one sign. "
        "Quote them, so that the shell does not take them for files."
    )
    yield CodeExample("reconciler plan --target 'tagging/*/VIP'")


def _settings(rows: Settings) -> Iterable[Block]:
    yield (
        "A flag wins over the environment, that over environments.NAME and then the top of reconciler.yaml. No file "
        "is needed. `reconciler validate --show` says what holds, and where it came from."
    )
    if rows:
        yield Definitions(tuple(rows))
    yield "These stand in the environment or on the command line only:"
    yield Definitions(
        (
            ("MATON_API_KEY", "The key of the gateway."),
            ("RECONCILER_ENVIRONMENT", "The environment, as -e."),
            ("RECONCILER_LEDGER_KEY", "The key of digests, plan files and pseudonyms; 16 characters or more."),
            ("RECONCILER_FILES", "More folders for secret files and CSV sources, written as in PATH."),
            ("RECONCILER_LOG_FORMAT", "text or json, as --log-format."),
            ("RECONCILER_HEARTBEAT", "Seconds between signs of life off a terminal, as --heartbeat; 0: none."),
        )
    )


def _exit_codes(_: Settings) -> Iterable[Block]:
    yield "Every command ends with one of these:"
    yield code_rows()
    yield "Nothing that a user can cause ends in a traceback; each problem is one line that says what to do."


def _outputs(_: Settings) -> Iterable[Block]:
    yield (
        "Results go to standard output, talk to standard error. --output FORMAT[=FILE] tells the same in other "
        "formats, several at once:"
    )
    yield format_rows()
    yield (
        "apply, destroy, undo and clone --apply have --json-events: one JSON object a line, each as soon as it "
        "happens. `reconciler schema event` describes them."
    )
    yield event_rows()
    yield (
        "-v says how the account was read, -vv each call, -vvv the bodies as well, without keys and secrets. With "
        "--log-format json (RECONCILER_LOG_FORMAT) everything on standard error is one JSON object a line: time, "
        "level, event, message, and the fields of the event. Off a terminal a long run says every --heartbeat "
        "seconds how far it is; -q says nothing but results and errors. NO_COLOR, FORCE_COLOR and "
        "TERM=dumb are obeyed."
    )


def _pruning(_: Settings) -> Iterable[Block]:
    yield (
        "Only what the ledger says is ours is deleted, and only once the files no longer name it. An empty or "
        "unreadable folder never means: delete everything. `prune` in reconciler.yaml says by kind what goes:"
    )
    yield prune_rows()
    yield CodeExample("prune: {tag: owned, contact: none}")
    yield (
        "lifecycle: {prevent_destroy: true} holds even after its block is gone. tags_exact: true on a contact and "
        "exclusive: true on a block of a course or community mean: these and no others, unmanaged ones included."
    )


def _approvals(_: Settings) -> Iterable[Block]:
    yield (
        "Some plans need approval: plan lists the approvals, and apply refuses with exit code 3 until each is given "
        "with --allow CLASS[=N], for this run only; no setting and no variable gives one. N must equal the number in "
        "the plan. It is required unless shown in brackets."
    )
    yield allow_rows()
    few = limits()
    yield (
        f"limits.deletes and limits.updates are percentages ({few.deletes} and {few.updates}) of the managed "
        f"resources, and of the managed people, from limits.floor ({few.floor}) of them on. A deletion that takes "
        "something from limits.floor or more unmanaged people always needs approval. limits.emails is a number of "
        f"people ({few.emails}). protect: true on an environment asks for its name, typed, or --confirm NAME."
    )


def _ledger(_: Settings) -> Iterable[Block]:
    yield (
        "The ledger is the record of what is ours: what was made or taken over, under which id, what was sent and "
        "what the account made of it. By default it is a SQLite file below .reconciler, one for each environment; a "
        "team gives it a PostgreSQL URL."
    )
    yield CodeExample("export RECONCILER_LEDGER=postgresql+psycopg://db.example.com/reconciler")
    yield (
        "It holds addresses and values, but no secret. One apply at a time: it holds a lease. A run that was killed "
        "is finished by the next one, and nothing is made twice. `reconciler ledger list`, show, forget, move, "
        "rebind, export, import and unlock tend it; `history` and `undo` rest on it. Without one (--ledger none) "
        "nothing is ever pruned."
    )


def _secrets(_: Settings) -> Iterable[Block]:
    yield "A secret is named in the files, never written:"
    yield CodeExample(
        "webhooks:\n  - name: CRM\n    url: https://crm.example.com/hook\n    secret: {env: CRM_SECRET}"
    )
    yield (
        "{file: PATH} reads it from a file of the project, or of a folder named in RECONCILER_FILES. Plans, logs, "
        "errors, the ledger and plan files hold its source or a keyed digest; a rotation is noticed by itself. "
        "The API key comes from MATON_API_KEY alone."
    )
    yield (
        "--redact (RECONCILER_REDACT) puts marks in place of people in everything that is written: text, JSON, logs, "
        "errors and reports."
    )


def _plan_files(_: Settings) -> Iterable[Block]:
    yield "A plan can be saved, looked at, and applied as it is:"
    yield CodeExample(
        "reconciler plan site/ --out plan.json\nreconciler show plan.json\nreconciler apply site/ --plan plan.json"
    )
    yield (
        "apply makes exactly these changes, or refuses with exit code 3 when anything has moved since. The file "
        "holds no secret and is readable by its owner alone. reconciler --redact plan --out FILE seals it: it names "
        "nobody, and is applied from the files that it was made from."
    )


def _environments(_: Settings) -> Iterable[Block]:
    yield "Several accounts can be kept from one set of files:"
    yield CodeExample(
        "environments:\n"
        "  staging:\n"
        "    connection: 21fd90f9-5935-43cd-b6c8-bde9d915ca80\n"
        "    vars: {domain: staging.example.com}\n"
        "  production:\n"
        "    connection: 6a0c0f2e-7c34-4d0b-9d51-2f1f3d9f8b11\n"
        "    protect: true"
    )
    yield CodeExample("reconciler -e staging plan")
    yield (
        "Each has a ledger of its own, and no two may use one connection. What an environment sets overrides the top "
        "of reconciler.yaml; null drops it. files: {add: [...], drop: [...]} changes which files are read."
    )


def _completion(_: Settings) -> Iterable[Block]:
    yield "Let your shell complete commands, flags, addresses, environments and runs:"
    yield CodeExample(
        "source <(reconciler completion bash)    # ~/.bashrc\n"
        "source <(reconciler completion zsh)     # ~/.zshrc, after compinit\n"
        "reconciler completion fish | source     # ~/.config/fish/config.fish"
    )
    yield "What is offered comes from the files and the ledger of the project; the network is never asked."


PAGES: Mapping[str, tuple[str, Maker]] = {
    "files": ("what the YAML files say", _files),
    "addresses": ("how a resource is named", _addresses),
    "settings": ("where settings come from", _settings),
    "environments": ("several accounts from one set of files", _environments),
    "exit-codes": ("how a command ends", _exit_codes),
    "outputs": ("what is written, where and in which form", _outputs),
    "pruning": ("what is deleted", _pruning),
    "approvals": ("changes that need --allow", _approvals),
    "ledger": ("the record of what is ours", _ledger),
    "plan-files": ("plans that are saved and applied later", _plan_files),
    "secrets": ("secrets and people", _secrets),
    "completion": ("completion in bash, zsh and fish", _completion),
}


class CodeExample(NamedTuple):
    """Lines as they are typed or written into a file."""

    text: str


class Definitions(NamedTuple):
    """Terms, each with its explanation."""

    rows: tuple[tuple[str, str], ...]


Block = str | CodeExample | Definitions


class Topic(NamedTuple):
    """One page: ``name`` is what is typed after ``help``, ``title`` says what it is about, in one line."""

    name: str
    title: str
    blocks: tuple[Block, ...]


#: Rows of settings → the blocks of a page.
Maker = Callable[[Sequence[tuple[str, str]]], Iterable[Block]]


def kind_rows() -> Definitions:
    """What may stand in files: section, what it holds, by what it is known."""
    return Definitions(tuple((name, f"{kind.doc} Known by {_key(kind)}.") for name, kind in SECTIONS.items()))


def _key(kind: Kind) -> str:
    return " and ".join(name.replace("_", " ") for name in kind.key)


def prune_rows() -> Definitions:
    """What each word of ``prune`` means, with the kinds that have it by default."""
    by_word = {
        prune: ", ".join(name for name, kind in KINDS.items() if kind.writable and kind.prune is prune)
        for prune in PRUNES
    }
    return Definitions(tuple((prune.value, f"{text}{_default(by_word[prune])}") for prune, text in PRUNES.items()))


def _default(kinds: str) -> str:
    return f" The default of {kinds}." if kinds else ""


def allow_rows() -> Definitions:
    """The classes of ``--allow``, with their exact count where that has to be given."""
    number = {**dict.fromkeys(COUNTED, "=N"), **dict.fromkeys(UNCOUNTED, "")}
    return Definitions(tuple((allow.value + number.get(allow, "[=N]"), text) for allow, text in ALLOWS.items()))


def code_rows() -> Definitions:
    """Exit codes."""
    return Definitions(tuple((str(code), text) for code, text in CODES.items()))


def format_rows() -> Definitions:
    """Formats of ``--output``."""
    return Definitions(tuple((name, f"{each.about}.") for name, each in FORMATS.items()))


def event_rows() -> Definitions:
    """Events of ``--json-events``."""
    return Definitions(tuple(EVENTS.items()))


def limits() -> Limits:
    """Without any setting."""
    return Limits()
