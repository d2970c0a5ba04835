"""Pure stages: no I/O, no clock, no environment; models, times and seeds are arguments; stages do not know each other.

The same input gives the same bits, in any order of its rows, on any number of threads.
"""
