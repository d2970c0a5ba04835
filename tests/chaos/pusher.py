"""The producer in a process of its own: pushes batches of the log, and notes in a ledger what it knows was accepted.

Killed and started again it goes on behind its ledger, so what was appended and not noted is sent again.

    python pusher.py BATCHES LEDGER PAUSE

BATCHES: a JSON array of interactions a line. LEDGER: the number of a batch a line. PAUSE: seconds between batches.
"""

import sys
import time
from pathlib import Path

import msgspec

from kaizen_api import Interaction, Producer
from kaizen_api.errors import Unavailable

_PATIENCE = 0.1


def accepted(ledger):
    """The numbers of the batches that are noted; a line is one write, there or not."""
    return {int(line) for line in ledger.read_text().split()} if ledger.exists() else set()


def take(producer, batch, *, one_by_one):
    """Through either door of the producer; returns once Redis has all of it."""
    if one_by_one:
        for interaction in batch:
            producer.push(interaction)
        producer.flush()
    else:
        producer.append(batch)


def main(batches, ledger, pause):
    """Push what is not noted, each batch until it is accepted."""
    done = accepted(ledger)
    lines = batches.read_bytes().splitlines()
    producer = Producer()
    with ledger.open("a") as notes:
        for number, line in enumerate(lines):
            if number in done:
                continue
            push(producer, msgspec.json.decode(line, type=list[Interaction]), one_by_one=number % 2 == 0)
            notes.write(f"{number}\n")
            notes.flush()
            time.sleep(pause)
    producer.close()


def push(producer, batch, *, one_by_one):
    """Again after an error, as any client would: ids make that harmless."""
    while True:
        try:
            return take(producer, batch, one_by_one=one_by_one)
        except Unavailable:
            time.sleep(_PATIENCE)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
