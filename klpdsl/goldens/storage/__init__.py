"""What lies below goldens/: the traces, the journal of reasons, and how files are written.

An engine has a file where its trace is another than its nearest ancestor's. Every write is whole or has not happened.
Nothing here runs a scenario.
"""
