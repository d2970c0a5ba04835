"""The schedule: which job is due when, for whom, and that each run of it is started once.

Guarantee: a run is claimed in Redis by its job and the time it was due, so however many beats there are, each fires it
once, and none waits for another's lock. A run that must happen is owed until a worker has done it; one that was missed
is caught up once. The clock is Redis' own, which all beats share.
"""
