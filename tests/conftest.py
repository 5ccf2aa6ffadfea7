"""What holds for all tests."""

from __future__ import annotations

import os
import signal
import sys

from hypothesis import settings

# A shell that starts a job in the background lets it ignore Ctrl-C, and so would every process that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Where CI is set, the same examples every time: what a change did not break must not fail it. People's machines go on
# looking for new ones.
settings.register_profile("ci", derandomize=True, database=None, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

# A process of klpdsl that finds byte code starts in half the time, and the tests start hundreds.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
