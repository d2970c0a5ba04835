"""What a topic adds up to, in a few kilobytes that can be put together again.

Sketches of parts, merged in any order and any tree, are the sketch of the whole to the bit; the empty one changes
nothing. So shards may be of any number and size, days add up to weeks, and topics that become one have one history.
Counts, sums, times and quantiles' bins are exact; quantiles and numbers of askers have a stated error.
"""

from kaizen_worker.pipeline.sketch.building import merged, sketches
from kaizen_worker.pipeline.sketch.encoding import decode, encode
from kaizen_worker.pipeline.sketch.sketch import EMPTY, OUTCOMES, Sketch, merge

__all__ = ["EMPTY", "OUTCOMES", "Sketch", "decode", "encode", "merge", "merged", "sketches"]
