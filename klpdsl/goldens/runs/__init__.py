"""What a scenario gives on an engine, and what is remembered of it between checks.

Results are kept under a key that covers all that they follow from, so that they cannot be out of date. Nothing here
knows whether a result is what a golden says.
"""
