"""Every call that writes an entry is taken away in turn, and a test goes red each time.

`plugin` takes a call away: what it writes is marked, and a trigger of the test's own keeps the marked row out of the
log, by whichever statement it comes. `sites` finds the calls in the code. `killers.json` names a test for each;
`python -m tests.mutants.choose` finds them anew (the long form), `test_mutants.py` tries them (the short one).
"""
