"""A whole promotion in one sentence, as a marketer would read it aloud. Pure."""

from datetime import UTC, tzinfo

from ledger.languages import Language
from ledger.promotions.promotions import PromotionRules
from ledger.promotions.telling import SegmentWords, Voice


def sentence(
    rules: PromotionRules,
    language: Language,
    zone: tzinfo = UTC,
    segment: SegmentWords | None = None,
) -> str:
    """What the promotion gives, when, and how it stands beside others; without its name. `zone`: by
    which clock its begin and end are told; `segment`: who says segments, if not `segment_words`."""
    told = Voice(language, zone=zone, segment=segment).part(rules)
    return f"{told[:1].upper()}{told[1:]}"
