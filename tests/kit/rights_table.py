"""The table of rights and roles in docs/console.md, made from the roles themselves. `make words`
writes it; a test holds it."""

from pathlib import Path

from ledger.languages import ENGLISH
from wallet.access import roles
from wallet.errors import SCOPE
from wallet.sentences import CATALOGUE

PAGE = Path(__file__).parents[2] / "docs" / "console.md"
BEGIN, END = "<!-- rights: made by `make words` -->\n", "<!-- end of rights -->\n"


def table() -> str:
    """Rights in words by rows, roles by columns."""
    names = [CATALOGUE.text(ENGLISH, role, roles.CONTEXT) for role in roles.ROLES]
    lines = [f"| may | {' | '.join(names)} |", f"| --- |{' :-: |' * len(names)}"]
    for group, rights in roles.GROUPS.items():
        title = CATALOGUE.text(ENGLISH, group, roles.CONTEXT_OF_GROUPS)
        lines.append(f"| **{title}** |{'  |' * len(names)}")
        for right in rights:
            words = CATALOGUE.text(ENGLISH, right, SCOPE)
            has = ["✓" if roles.allows(role, right) else "" for role in roles.ROLES]
            lines.append(f"| {words} (`{right}`) | {' | '.join(has)} |")
    return "\n".join(lines) + "\n"


def split(page: str) -> tuple[str, str, str]:
    """What stands before the table, the table, and what stands behind it."""
    before, _, rest = page.partition(BEGIN)
    inside, _, after = rest.partition(END)
    return before, inside, after


def main() -> None:
    """Write the table as it is now."""
    before, _, after = split(PAGE.read_text())
    PAGE.write_text(before + BEGIN + table() + END + after)


if __name__ == "__main__":
    main()
