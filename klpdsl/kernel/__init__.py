"""The real kernel: the same scenario on the model and on the machine.

A scenario becomes kernel modules (`modules`), a script for the guest's init (`script`) and an initramfs
(`initramfs`); a kernel of the distribution (`kernels`) runs it in qemu (`machine`), and what the guest wrote
(`report`) becomes a canonical trace again (`retrace`). `project` takes from two traces what a real kernel can show,
`confirm` compares them for many scenarios at once, and `evidence` keeps what came out. The guest's own programs lie
in `guest/`. docs/real-kernel.md tells the whole story.
"""
