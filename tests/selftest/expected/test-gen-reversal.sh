#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Made by klpdsl: the log is what v6.12 (= v6.11) writes.

. $(dirname $0)/functions.sh

# What tools say is compared.
export LC_ALL=C

MOD_M=test_klp_gen_m
MOD_P1=test_klp_gen_p1

# in_transition(modname) - wait until a livepatch is in transition, and nothing ends that
function in_transition() {
	loop_until "grep -qs '^1$' /sys/kernel/livepatch/$1/transition" ||
		die "$1: not in transition"
}

# transition_ended(modname) - wait until a livepatch is in transition no more, or gone
function transition_ended() {
	loop_until "! grep -qs '^1$' /sys/kernel/livepatch/$1/transition" ||
		die "$1: the transition does not end"
}

setup_config


# TEST: a reversal with a sleeper inside
#
# A kernel thread sleeps in the function that is patched. The transition waits
# for it, is reversed, and has nobody to wait for any more: the patch goes
# with nothing left of it.
#
# - load m
# - worker: call work
# - apply p1 { m { work } }
# - disable p1
# - settle
# - unload p1
# - worker: return
# - unload m

start_test "a reversal with a sleeper inside"

load_mod $MOD_M
echo Y > /sys/module/$MOD_M/parameters/hold_0
echo "0 0" > /sys/module/$MOD_M/parameters/start
loop_until "grep -q Y /sys/module/$MOD_M/parameters/inside_0" || die "nobody comes into work"
load_lp_nowait $MOD_P1
in_transition $MOD_P1
check_sysfs_value $MOD_P1 transition 1
check_sysfs_value $MOD_P1 enabled 1
log "% echo 0 > /sys/kernel/livepatch/$MOD_P1/enabled"
echo 0 > "/sys/kernel/livepatch/$MOD_P1/enabled"
transition_ended $MOD_P1
[[ ! -e /sys/kernel/livepatch/$MOD_P1/enabled ]] || die "p1 enabled = gone"
unload_lp $MOD_P1
echo N > /sys/module/$MOD_M/parameters/hold_0
loop_until "grep -q N /sys/module/$MOD_M/parameters/inside_0" || die "nobody leaves work"
unload_mod $MOD_M

check_result "% insmod test_modules/$MOD_M.ko
$MOD_M: ${MOD_M}_init
% insmod test_modules/$MOD_P1.ko
livepatch: enabling patch '$MOD_P1'
livepatch: '$MOD_P1': initializing patching transition
livepatch: '$MOD_P1': starting patching transition
% echo 0 > /sys/kernel/livepatch/$MOD_P1/enabled
livepatch: '$MOD_P1': reversing transition from patching to unpatching
livepatch: '$MOD_P1': starting unpatching transition
livepatch: '$MOD_P1': completing unpatching transition
livepatch: '$MOD_P1': unpatching complete
% rmmod $MOD_P1
% rmmod $MOD_M
$MOD_M: ${MOD_M}_exit"

exit 0
