"""Names that mean the same in the language, in the world and in a trace."""

#: The object that is always there: the core kernel.
VMLINUX = "vmlinux"
#: What the code is called that no patch has replaced.
ORIGINAL = "original"
