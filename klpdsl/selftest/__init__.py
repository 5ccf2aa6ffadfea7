"""A scenario as a kernel selftest: a script and modules in the style of tools/testing/selftests/livepatch.

`playing` runs the scenario and keeps what a script has to know of each moment; `steps` and `sites` say each step in the
helpers of that family (`conventions`), or why nobody can; `script` and `csource` are the texts, and `build` brings it
all together.
"""
