"""What docs/architecture.md says of the house: the plan names every module where it stands, a name
has one meaning, and public code says what its signature cannot."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[1]
PLAN = (TOP / "docs" / "architecture.md").read_text().split("```text\n")[1].split("```")[0]
PACKAGES = ("ledger", "wallet")

# Two things that a reader never meets together. The second is named in the published schema.
TWO_MEANINGS = {"Points"}

# Modules and folders at the root of a package: what a newcomer looks through first.
MOST_AT_ROOT = {"ledger": 26, "wallet": 28}

LEAST_DOCUMENTED = 0.95


def modules() -> Iterator[Path]:
    """Every module but the packages' own `__init__` and the history of the schema."""
    for package in PACKAGES:
        for file in sorted((TOP / package).rglob("*.py")):
            if file.name not in ("__init__.py", "__main__.py") and "versions" not in file.parts:
                yield file.relative_to(TOP)


def planned() -> dict[Path, set[str]]:
    """The files that the plan names, by folder. `*.py`: it says what they are instead of naming
    each."""
    named: dict[Path, set[str]] = defaultdict(set)
    folders: list[str] = []
    for line in PLAN.splitlines():
        drawn = re.match(r"^((?:│   |    )*)(?:├──|└──) (\S+)", line)
        if drawn:
            depth = len(drawn[1]) // 4
            folders = folders[: depth + 1]
            if drawn[2].endswith("/"):
                folders.append(drawn[2].strip("/"))
        elif top := re.match(r"^(\w+)/ ", line):
            folders = [top[1]]
        elif line.lstrip().startswith("+"):
            continue
        named[Path(*folders)] |= set(re.findall(r"(?<![\w.])(?:\w+|\*)\.py\b", line))
    return named


def test_the_plan_names_every_module_in_its_folder() -> None:
    named = planned()
    missing = [
        str(module)
        for module in modules()
        if not {module.name, "*.py"} & named.get(module.parent, set())
    ]
    assert missing == []


def test_what_the_plan_names_is_there() -> None:
    gone = [
        f"{folder}/{name}"
        for folder, names in planned().items()
        for name in names
        if name != "*.py" and not (TOP / folder / name).exists()
    ]
    assert gone == []


def test_few_things_stand_at_the_roots() -> None:
    for package, most in MOST_AT_ROOT.items():
        entries = [
            entry
            for entry in (TOP / package).iterdir()
            if entry.suffix == ".py" or (entry.is_dir() and entry.name != "__pycache__")
        ]
        assert len([entry for entry in entries if not entry.name.startswith("__")]) <= most


def defined(module: Path) -> Iterator[str]:
    """The classes and type aliases of a module."""
    for node in ast.parse((TOP / module).read_text()).body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and re.fullmatch(r"[A-Z]\w*[a-z]\w*", target.id):
                yield target.id


def test_a_name_of_a_class_has_one_meaning() -> None:
    where: dict[str, set[str]] = defaultdict(set)
    for module in modules():
        for name in defined(module):
            where[name].add(str(module))
    twice = {name: sorted(places) for name, places in where.items() if len(places) > 1}
    assert set(twice) == TWO_MEANINGS, twice


def public(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Functions, classes and methods that others may use."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                for part in node.body:
                    if isinstance(part, ast.FunctionDef) and not part.name.startswith("_"):
                        yield part


def test_public_code_says_what_its_signature_cannot() -> None:
    """But for what is public in name alone: the sandbox, and the schema's history."""
    found = [
        (f"{module}: {node.name}", ast.get_docstring(node) is not None)
        for module in modules()
        if "sandbox" not in module.parts and "migrations" not in module.parts
        for node in public(ast.parse((TOP / module).read_text()))
    ]
    silent = [name for name, documented in found if not documented]
    assert 1 - len(silent) / len(found) >= LEAST_DOCUMENTED, silent
