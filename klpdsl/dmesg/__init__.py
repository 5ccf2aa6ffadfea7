"""A machine's log, and back to a scenario: what a kernel's lines say has happened, and whether the model can say them.

`log_lines` takes livepatch's lines out of what dmesg, journalctl or a console gives; `story` tells from them which
patches came and went, how each transition ended, and who holds the one that is under way; `snapshot` adds what sysfs
and /proc say, as `observe.sh` collects it; `advice` says by which rule a task holds it and what would help; `fitting`
looks for a run of the model that gives the same lines, and says from which line on there is none.
"""
