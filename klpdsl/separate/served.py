"""Steps of worlds for another process: one tree of klpdsl, asked over a pipe what its rules do.

Run as a program, with the tree's own `klpdsl` on the path, whatever its age: it uses no more of it than `from_file`,
`start`, `take`, `counts` and the text of events, which every revision has that can separate. A line in, a line out,
both JSON:

    {"alphabet": FILE, "engine": NAME, "level": LEVEL, "nesting": N}  ->  {"actions": COUNT}, and what follows is of it
    [[state, action], …]  ->  {"steps": [[seen, state, ended], …], "lines": {NUMBER: TEXT, …}}

States are numbers, equal for worlds that behave alike, 0 the first; `seen` are the lines of a step that count at the
level, as a number, each told once under `lines`. A question that is put again goes on where it was left. The process
ends with its input.
"""

from __future__ import annotations

import json
import sys
from typing import Any


class _Table:
    """What has been seen of one alphabet on one engine."""

    def __init__(self, asked: dict[str, Any]) -> None:
        from klpdsl.semantics.engines import resolve
        from klpdsl.separate.alphabets import from_file
        from klpdsl.separate.stepping import start, take
        from klpdsl.separate.view import counts
        from klpdsl.trace.events import Result
        from klpdsl.trace.text import event_text, result_text

        alphabet = from_file(asked["alphabet"])
        self.actions = alphabet.actions
        self._program = alphabet.loaded.program
        self._semantics = resolve(asked["engine"]).semantics
        self._level = asked["level"]
        self._nesting = asked["nesting"]
        self._take, self._counts = take, counts
        self._event_text, self._result_text, self._result = event_text, result_text, Result
        first = start(self._program)
        self._states = [first]
        self._numbers = {first.key(): 0}
        self._seen: dict[str, int] = {}

    def step(self, state: int, action: int, fresh: dict[int, str]) -> tuple[int, int, bool]:
        taken = self._take(self._program, self._semantics, self._states[state], self.actions[action])
        lines = [self._event_text(event) for event in taken.events if self._counts(self._level, event)]
        # Why a release lacks an operation names the engine's history, which is no behaviour.
        reason = (
            taken.outcome.reason if self._level == "full" and taken.outcome.value != "unsupported" else ""
        )
        lines.append(self._result_text(self._result(taken.outcome.value, reason)))
        text = "\n".join(lines)
        seen = self._seen.get(text)
        if seen is None:
            seen = self._seen[text] = len(self._seen)
            fresh[seen] = text
        reached = taken.state
        ended = reached.crashed or any(len(task.stack) > self._nesting for task in reached.world.tasks)
        number = self._numbers.setdefault(reached.key(), len(self._states))
        if number == len(self._states):
            self._states.append(reached)
        return seen, number, ended


def main() -> None:
    """Answer until the input ends. What goes wrong is an answer too."""
    tables: dict[str, _Table] = {}
    table: _Table | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if isinstance(asked, dict):
                table = tables[line] if line in tables else tables.setdefault(line, _Table(asked))
                said: dict[str, Any] = {"actions": len(table.actions)}
            else:
                assert table is not None
                fresh: dict[int, str] = {}
                said = {
                    "steps": [table.step(state, action, fresh) for state, action in asked],
                    "lines": fresh,
                }
        except Exception as error:  # noqa: BLE001 (a rule that fails is what may be looked for)
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
