"""How much a scenario may hold. Nobody who writes one by hand comes near; a run of anything below these ends."""

FILE_BYTES = 1 << 20
#: Statements and list entries of one file, blank lines and comments included.
FILE_ENTRIES = 20_000
#: Braces within braces.
NESTING = 16
#: Steps of a scenario: each action in it, in every branch.
STEPS = 10_000

IMPORT_DEPTH = 16
IMPORT_FILES = 64
IMPORT_BYTES = 4 << 20

NAME_LENGTH = 200
TEXT_LENGTH = 2000

#: Functions of one task's stack.
STACK = 100
TICK_SECONDS = 100_000
CPUS = 64
SYMPOS = 1000
CONTENDED = 1000
SHADOW_ID = (1 << 64) - 1
STATE_NUMBER = 2**32 - 1
SET_NUMBER = 2**32 - 1
SYSCTL_VALUE = 2**31 - 1

#: Errors reported for one scenario; the rest is only counted.
ERRORS = 200
