"""A pull request is data: nothing in it is run, it cannot have a key shown, it cannot choose who is spoken to."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ci.conftest import Repository
from tests.ci.test_pull_request import ONE
from tests.support.project import Project

#: Files that some Python, pip, shell or runner would take up where it is careless.
MODULES = (
    "sitecustomize",
    "usercustomize",
    "reconciler/__init__",
    "reconciler/__main__",
    "requests",
    "yaml",
    "click",
    "json",
    "workflow",
    "api",
    "tool",
    "run",
    "setup",
    "conftest",
)
EXECUTABLES = ("python", "python3", "reconciler", "pip", "git", "bash", "bin/python", ".venv/bin/python")
CONFIGURATIONS = {
    "pip.conf": "[global]\nindex-url = http://127.0.0.1:{port}/simple\n",
    "setup.cfg": "[easy_install]\nindex_url = http://127.0.0.1:{port}/simple\n",
    "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'setup'\nbackend-path = ['.']\n",
    ".netrc": "machine 127.0.0.1 login eve password stolen\n",
    ".env": "RECONCILER_GATEWAY_URL=http://127.0.0.1:{port}\n",
    ".bashrc": "touch {witness}\n",
    ".python-version": "2.7\n",
    "pyvenv.cfg": "home = /nowhere\n",
    ".github/action.yml": "runs: {{using: composite, steps: [{{run: 'touch {witness}', shell: bash}}]}}\n",
    "reconciler.yaml": "ledger: postgresql+psycopg://127.0.0.1:{port}/stolen\n",
}


def booby_trapped(folder: Path, witness: Path, port: int) -> None:
    """Fill a checkout with everything that must not be taken up."""
    for name in MODULES:
        path = folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"import os\nopen({str(witness)!r}, 'a').write({name!r} + str(dict(os.environ)))\n")
    for name in EXECUTABLES:
        path = folder / (name if name != "reconciler" else "tool/reconciler")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\necho {name} >> {witness}\nenv\n")
        path.chmod(0o755)
    for name, text in CONFIGURATIONS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.format(port=port, witness=witness))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody who waits for a call that must never come."""
    with socket.create_server(("127.0.0.1", 0)) as waiting:
        waiting.setblocking(False)
        yield waiting


def called(listener: socket.socket) -> bool:
    """Whether anybody has connected."""
    try:
        listener.accept()
    except BlockingIOError:
        return False
    return True


def test_nothing_of_a_checkout_is_run(repository: Repository, tmp_path: Path, listener: socket.socket) -> None:
    """Modules, programs and settings of tools lie about; the plan is made, and none of them was taken up."""
    witness = tmp_path / "witness"
    repository.project.write(ONE)
    booby_trapped(repository.checkout, witness, listener.getsockname()[1])
    env = {**repository.env, "PYTHONPATH": ".", "PYTHONSTARTUP": "sitecustomize.py"}
    ended = repository.plan(env=env)
    assert not ended.failed, ended.log
    assert not witness.exists(), witness.read_text()
    assert not called(listener)
    assert repository.secrets["MATON_API_KEY"] not in ended.unmasked + ended.summary + str(repository.github.comments)
    assert repository.secrets["RECONCILER_LEDGER_KEY"] not in ended.unmasked + ended.summary


def test_the_traps_do_spring(tmp_path: Path) -> None:
    """The witness tells: a careless Python in that folder would have run them."""
    witness = tmp_path / "witness"
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    booby_trapped(checkout, witness, 1)
    os.spawnve(os.P_WAIT, sys.executable, [sys.executable, "-c", "import os"], {"PYTHONPATH": str(checkout)})
    assert "sitecustomize" in witness.read_text()


WEBHOOK = "webhooks: [{name: W, url: URL, secret: SECRET, events: [SALE_NEW]}]".replace
ASKS = {
    "our key as a secret": WEBHOOK("SECRET", "{env: MATON_API_KEY}"),
    "our key as an address": WEBHOOK("URL", "{env: MATON_API_KEY}"),
    "the ledger's key": WEBHOOK("SECRET", "{env: RECONCILER_LEDGER_KEY}"),
    "the environment as a file": WEBHOOK("SECRET", "{file: /proc/self/environ}"),
    "a link to the environment": WEBHOOK("SECRET", "{file: link}"),
    "a CSV source of the environment": "enrollments: [{course: A, csv: link}]",
    "a variable in a name": "tags: ['${env.MATON_API_KEY}']",
    "a variable that is ours": "tags: ['${env.RECONCILER_LEDGER_KEY}']",
    "an object of Python": "tags: [!!python/object/apply:os.system ['touch witness']]",
}


@pytest.mark.parametrize("text", ASKS.values(), ids=ASKS)
def test_files_cannot_ask_for_our_keys(project: Project, text: str) -> None:
    """A message, exit 1, and no sign of the key; nothing is asked of the account."""
    project.env |= {"MATON_API_KEY": "key-that-nobody-may-see", "RECONCILER_LEDGER_KEY": "seal-that-nobody-may-see"}
    project.write(text)
    (project.folder / "link").symlink_to("/proc/self/environ")
    result = project.run("--redact", "plan", "--output", "json=p.json")
    assert result.code == 1
    told = result.out + result.err + "".join(each.read_text() for each in project.folder.glob("p.json"))
    assert "nobody-may-see" not in told
    assert not project.account.requests
    assert not (project.folder / "witness").exists()


SETTINGS = (
    "gateway: https://gateway.example.org",
    "gateway_url: https://gateway.example.org",
    "api_key: x",
    "environments: {a: {gateway_url: https://gateway.example.org}}",
)


@pytest.mark.parametrize("text", SETTINGS)
def test_files_cannot_choose_the_gateway(project: Project, text: str) -> None:
    """The address is no setting of a file."""
    project.write(text, "reconciler.yaml")
    project.write("tags: [VIP]\n")
    assert project.run("plan").code == 1
    assert not project.account.requests
