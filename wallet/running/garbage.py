"""What the garbage collector is told in a process that serves for days."""

import gc

# Objects that are made before it looks at them. A batch of rows is some thousands, all of which are
# dropped by themselves, without its help.
MADE_BEFORE_A_LOOK = 20_000


def spare_what_stays() -> None:
    """What was loaded stays, so the collector need not walk through it again and again. To be
    called once all of it is there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(MADE_BEFORE_A_LOOK, *gc.get_threshold()[1:])
