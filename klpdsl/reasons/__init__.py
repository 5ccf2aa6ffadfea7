"""Why a step of a run went as it did, in words, with the kernel's function and release behind each rule.

`watching` runs a scenario and keeps the world at what matters; `rules` is the table of what can be said
(data/rules.toml), and says since when a rule is so on the engine at hand; `holding` explains a transition (who holds
it, what would release it, why the others do not), `calling` which version of a function a call takes, `leaving_out`
which earlier steps it took to break a property, and `telling` puts together what is to be said of a step.
"""
