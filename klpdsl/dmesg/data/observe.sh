#!/bin/sh
# Prints what livepatch's state on this machine is, for `klpdsl explain-log --snapshot FILE`. Run it as root:
#
#     sh observe.sh > snapshot.txt
#
# It reads /sys/kernel/livepatch, /proc/modules, the release of the kernel, and of every task its name, ids, state,
# patch_state and the names of the kernel functions that it is in. It reads no command line, no environment and no file
# of anybody's, writes nothing but its output, and sends nothing anywhere.
set -u
export LC_ALL=C

echo "klpdsl-observe 1"
echo "uname $(uname -r)"

for patch in /sys/kernel/livepatch/*/; do
    [ -d "$patch" ] || continue
    name=$(basename "$patch")
    for attribute in enabled transition replace stack_order; do
        if [ -r "$patch$attribute" ]; then
            echo "patch $name $attribute $(cat "$patch$attribute")"
        fi
    done
    while read -r module _ refs _; do
        if [ "$module" = "$name" ]; then
            echo "module $module $refs"
        fi
    done < /proc/modules
done

for task in /proc/[0-9]*/task/[0-9]*/; do
    # A task may end while it is looked at.
    state=$(cat "${task}patch_state" 2> /dev/null) || continue
    [ "$state" != "-1" ] || continue
    comm=$(tr -d '\n' < "${task}comm" 2> /dev/null) || continue
    # Field 3 of stat is the state, field 9 the flags; the name before them may hold anything.
    stat=$(sed 's/.*) //' "${task}stat" 2> /dev/null) || continue
    letter=${stat%% *}
    flags=$(echo "$stat" | cut -d ' ' -f 7)
    kind=user
    # PF_KTHREAD
    [ $((flags & 2097152)) -eq 0 ] || kind=kthread
    id=$(basename "$task")
    echo "task $id $letter $state $kind $comm"
    # Innermost first, as /proc prints it: "[<0>] function+0x12/0x40".
    sed -n 's/^\[<[0-9a-f]*>\] \([A-Za-z0-9_.]*\)+.*/\1/p' "${task}stack" 2> /dev/null |
        while read -r function; do
            echo "stack $id $function"
        done
done
