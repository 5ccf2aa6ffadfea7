"""Benchmarks: what klpdsl costs, in numbers to read.

Nothing here passes or fails, because a number depends on the machine; ratios to the bare interpreter are given
where they say more than seconds. Each module ``bench_*.py`` has a function ``run`` that yields its lines;
``make bench`` (``python -m benchmarks [NAME…]``) runs them all, or the named ones.
"""
