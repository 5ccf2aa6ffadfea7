"""Which change did it: history, bisection and reduction.

A scenario's trace differs between two engines, or between two revisions of klpdsl. This room finds the change that
makes the difference (`history`, `bisection`, `revisions`), the changes that make it only together (`subsets`), and the
smallest scenario that still shows it (`reduction`). It runs scenarios as anybody does and knows nothing of terminals;
the searches themselves (`search`, `ddmin`) know neither kernels nor git.
"""
