"""What is done with what a check has found: pending, decided, accepted in one transaction.

What is accepted is what was shown: pending changes hold whole traces, and are refused when goldens or scenarios have
moved since. Nothing here talks to anybody.
"""
