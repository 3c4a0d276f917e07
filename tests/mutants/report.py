"""What became of the mutants: a table by module, then each survivor as the line it changed.

Ends with 1 below the bar, so that a script can tell."""

import ast
import difflib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import click

BAR = 85  # per cent
MUTATED = Path("mutants") / "ledger" / "book"
# Exit codes of mutmut: see `status_by_exit_code` there.
KILLED, TIMEOUT, SURVIVED, UNTESTED, WAITING = {1, 3}, {-24, 24, 152, 255}, 0, 33, None


def main() -> int:
    total: Counter[str] = Counter()
    survivors: dict[str, list[str]] = {}
    click.echo(
        f"{'':14}{'mutants':>9}{'killed':>9}{'survived':>10}{'no test':>9}{'waiting':>9}{'':>8}"
    )
    for meta in sorted(MUTATED.glob("*.py.meta")):
        codes = json.loads(meta.read_text())["exit_code_by_key"]
        if not codes:
            continue
        module = meta.name.removesuffix(".py.meta")
        count = Counter(_fate(code) for code in codes.values())
        total += count
        _print_row(module, count)
        left = [name for name, code in codes.items() if _fate(code) in ("survived", "no test")]
        survivors[module] = list(_changes(module, left))
    _print_row("all", total)
    for module, lines in survivors.items():
        click.echo(f"\n{module}")
        for line in lines:
            click.echo(f"  {line}")
    return int(_percentage(total) < BAR)


def _fate(code: int | None) -> str:
    if code in KILLED or code in TIMEOUT:  # what never ends is noticed as well
        return "killed"
    return {SURVIVED: "survived", UNTESTED: "no test", WAITING: "waiting"}.get(code, "killed")


def _percentage(count: Counter[str]) -> float:
    judged = count.total() - count["waiting"]
    return 100 * count["killed"] / judged if judged else 0


def _print_row(name: str, count: Counter[str]) -> None:
    click.echo(
        f"{name:14}{count.total():9}{count['killed']:9}{count['survived']:10}"
        f"{count['no test']:9}{count['waiting']:9}{_percentage(count):7.1f}%"
    )


def _changes(module: str, names: list[str]) -> Iterator[str]:
    """The function and its changed lines, before and after."""
    source = (MUTATED / f"{module}.py").read_text()
    lines = source.splitlines()
    functions = {
        node.name: [line.strip() for line in lines[node.lineno : node.end_lineno]]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
    }
    by_function: dict[str, list[str]] = defaultdict(list)
    for name in names:
        mutant = name.rpartition(".")[2]
        by_function[mutant.rpartition("__mutmut_")[0]].append(mutant)
    for function, mutants in by_function.items():
        plain = function.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
        original = functions[f"{function}__mutmut_orig"]
        for mutant in mutants:
            changed = [
                line[0] + " " + line[1:]
                for line in difflib.unified_diff(original, functions[mutant], lineterm="", n=0)
                if line[0] in "+-" and line[:3] not in ("+++", "---")
            ]
            yield f"{plain} #{mutant.rpartition('_')[2]}: {'  '.join(changed)}"


if __name__ == "__main__":
    sys.exit(main())
