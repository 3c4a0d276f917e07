"""Changes for whole programmes, on their way to all cards."""

from datetime import datetime

from wallet.api.bodies.answers import AnswerBody
from wallet.api.bodies.examples import page_of, shows

WAVE = {
    "id": "01a20f22-e8b2-70f7-803f-f892725756e9",
    "programme": "demo",
    "state": "running",
    "total": 120_000,
    "seen": 45_000,
    "changed": 45_000,
    "passes_per_second": 600,
    "created_at": "2026-11-25T09:30:00Z",
    "expected_at": "2026-11-25T09:33:20Z",
    "finished_at": None,
}
PAUSED = {**WAVE, "state": "paused", "expected_at": None}
CANCELLED = {
    **WAVE,
    "state": "cancelled",
    "expected_at": None,
    "finished_at": "2026-11-25T09:32:00Z",
}


class WaveOut(AnswerBody):
    """A change for all cards of a programme. Of `total` cards it has looked at `seen`, and changed
    those that differed. `expected_at`: when it will be done at its present pace."""

    model_config = shows(WAVE)

    id: str
    programme: str
    state: str
    total: int
    seen: int
    changed: int
    passes_per_second: int
    created_at: datetime
    expected_at: datetime | None
    finished_at: datetime | None


class WavesOut(AnswerBody):
    """Waves, newest first."""

    model_config = shows(page_of(WAVE))

    items: list[WaveOut]
    next_cursor: str | None
