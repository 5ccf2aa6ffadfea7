"""The rules: what each operation of a kernel does to a world under given semantics.

One module per concern of kernel/livepatch, with the kernel's function names where there is one to match. An
operation takes a `Kernel` (a world, the semantics, a sink for events), touches nothing else, and branches on axes
of the semantics, never on a version. This room does not know the language, nor what a trace looks like as text.
"""
