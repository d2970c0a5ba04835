"""Patterns found while interactions arrive: bursts, errors, slow answers, topics that form; pure, bounded, repeatable.

A baseline comes from a cycle's window, a detector folds one batch after the other, and what it raises is explained by
the latest interactions. The rate of false alarms over everything is stated by the settings and holds by construction.
"""
