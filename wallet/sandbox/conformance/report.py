"""What an inspection found, in words."""

from collections.abc import Iterable, Iterator, Sequence

from ledger.languages import Language
from wallet.sandbox import words
from wallet.sandbox.conformance.inspection import RuleFinding


def lines(findings: Iterable[RuleFinding], language: Language) -> Iterator[str]:
    """A line for each rule as it is found; below a broken rule, what was seen and where the rule
    stands."""
    for finding in findings:
        rule = finding.rule
        sentence = rule.russian if language == "ru" else rule.english
        yield f"{words.said(f'rule.{finding.verdict}', language)}  {rule.code}: {sentence}"
        if finding.verdict == "broken":
            yield words.said("rule.seen", language, seen=finding.seen)
            yield words.said("rule.source", language, source=rule.source)


def summary(findings: Sequence[RuleFinding], language: Language) -> Iterator[str]:
    """How many rules have which verdict, and what is needed to try the rest."""
    verdicts = [finding.verdict for finding in findings]
    counts = {f"{one}_": verdicts.count(one) for one in ("holds", "broken", "untried")}
    yield words.said("rule.summary", language, **counts)
    missing = {one for finding in findings for one in finding.missing}
    for one in sorted(missing):
        yield words.said(f"rule.missing.{one}", language)
