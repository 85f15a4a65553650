"""Faults: a load runs while the machine fails in every way we can think of; afterwards its history is checked.

`make faults SEEDS=20`. What a seed strikes, and when, follows from its number.
"""
