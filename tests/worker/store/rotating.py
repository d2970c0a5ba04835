"""Writes the archive of one cut-off over and over, with changing content, until it is killed."""

import sys
from itertools import count
from pathlib import Path

from kaizen_worker.store.archive import write

folder, cutoff = Path(sys.argv[1]), int(sys.argv[2])
for turn in count():
    lines = (f"{turn} {number} {number * 2654435761 % 2**32}\n".encode() for number in range(3_000))
    write(folder, kind="notes", cutoff=cutoff, parts=[("a", lines), ("b", [b"%d\n" % turn])])
    if turn == 0:
        sys.stdout.write("begun\n")
        sys.stdout.flush()
