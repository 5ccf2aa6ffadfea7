"""Are two engines the same? A search for the shortest scenario on which they behave differently.

Pairs of worlds, one under each engine, are given the same actions, breadth first, until what an observer sees of a
step differs. `alphabets` are the actions there are to choose from, `poison` tells when one run stands for both
engines, `stepping` takes a step, `view` says what an observer sees at each level, `pairs` walks, `finding` makes a
scenario of what was found and confirms it by the interpreter, `shortest` keeps what was found for changes and values.
"""
