"""The words that no grammar lists, errnos apart: built-in properties, features, names that mean something already."""

from klpdsl import _names, _properties

#: How a statement ends that the engine can not know.
UNSUPPORTED = "unsupported"
#: How a statement ends that does not return: it waits for klp_mutex, or with it.
BLOCKED = "blocked"

#: What `always`, `never` and `expect violation` know by name; each trace records their violations anyway.
PROPERTIES = tuple(_properties.PROPERTIES)

#: What `arch` can say.
FEATURES = ("unreliable-stacks",)

#: How many functions deep the tasks of an `interleave forever` go where it does not say.
FOREVER_DEPTH = 2

#: The flags of a patch that say which sets it is of, and those that say whether it can be replaced.
REPLACE_SETS = ("replace_set", "replace_sets")
OVERRIDE = "override_replace_sets"
REPLACEABLE = ("replaceable", "irreplaceable")

#: The object that is always there.
VMLINUX = _names.VMLINUX
#: What `sees` calls the code that no patch has replaced.
ORIGINAL = _names.ORIGINAL
#: What is found where there is nothing to look at: no such file, module, function or task now.
GONE = "gone"
#: The task of a world without tasks, and the function of a patch that names none.
DEFAULT_TASK = "t1"
DEFAULT_FUNCTION = "f"
#: How the idle tasks' names begin; a CPU's number follows.
IDLE = "swapper/"
