"""Files below a patch's directory in sysfs, and what else can be asked of a patch or a module by a word.

The names belong to the language and to the engine alike, and neither may import the other; so they stand here.
"""

#: Attributes of a patch and of a module: livepatch's, kGraft's and kpatch's, in any release or proposal.
ATTRIBUTES = frozenset(
    {
        "enabled",
        "force",
        "refs",
        "replace",
        "replace_all",
        "replace_set",
        "replaceable",
        "revert",
        "signal",
        "stack_order",
        "state",
        "transition",
    }
)
#: Attributes of a directory below a patch's: an object's and a function's.
BELOW = frozenset({"patched", "called", "using"})
