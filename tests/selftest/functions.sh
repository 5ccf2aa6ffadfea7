#!/bin/bash
# A stand-in for functions.sh of the kernel's livepatch selftests, for machines without a kernel tree: the same
# helpers, called alike and with the same words in the log, as far as the generated scripts use them.

MODPROBE=$([[ $(uname -r | cut -d. -f1-2 | tr . ' ') == "6 1" ]] && echo yes)
SYSFS_PATCHES=/sys/kernel/livepatch

log() { echo "$1" > /dev/kmsg; }
die() { log "ERROR: $1"; echo "ERROR: $1"; exit 1; }
skip() { log "SKIP: $1"; echo "SKIP: $1"; exit 4; }

loop_until() {
	local left
	for ((left = 600; left > 0; left--)); do
		if eval "$*"; then return 0; fi
		sleep .1
	done
	return 1
}

setup_config() {
	printf 'file kernel/livepatch/* +p\nfunc klp_try_switch_task -p\n' > /sys/kernel/debug/dynamic_debug/control
	set_ftrace_enabled 1
}

set_ftrace_enabled() {
	local may_fail=no said
	if [[ $1 == --fail ]]; then may_fail=yes; shift; fi
	said=$(sysctl -q kernel.ftrace_enabled="$1" 2>&1)
	if [[ $(cat /proc/sys/kernel/ftrace_enabled) == "$1" ]]; then
		log "livepatch: kernel.ftrace_enabled = $1"
	elif [[ $may_fail == yes ]]; then
		log "livepatch: ${said//\/proc\/sys\/kernel\//kernel.}"
	else
		skip "kernel.ftrace_enabled cannot be $1"
	fi
}

start_test() {
	MARK="klpdsl mark $RANDOM$RANDOM"
	log "$MARK"
	echo -n "TEST: $1 ... "
}

# Newer kernels put the task or CPU behind the time.
compared() {
	dmesg | sed "1,/$MARK/d" | grep -e livepatch: -e test_klp | grep -v -e 'tainting kernel' -e 'taints kernel' |
		sed -e 's/^\[[ 0-9.]*\] //' -e 's/^\[ *[TC][0-9]*\] //'
}

check_result() {
	compared > /tmp/result
	echo "$*" > /tmp/expected
	if cmp -s /tmp/expected /tmp/result; then
		echo ok
	else
		echo "not ok"
		diff -u /tmp/expected /tmp/result
		die "the log is another"
	fi
}

insert() {
	local module=$1
	shift
	local words=${*:+ $*}
	if [[ $MODPROBE ]]; then
		log "% modprobe $module$words"
		modprobe "$module" "$@" 2>&1
	else
		log "% insmod test_modules/$module.ko$words"
		insmod "test_modules/$module.ko" "$@" 2>&1
	fi
}

load_mod() {
	local said
	said=$(insert "$@")
	[[ -z $said ]] || die "$said"
	loop_until "[[ -e /sys/module/$1 ]]" || die "$1 is not there"
}

load_lp_nowait() {
	load_mod "$@"
	loop_until "[[ -e $SYSFS_PATCHES/$1 ]]" || die "$1 is no livepatch"
}

load_lp() {
	load_lp_nowait "$@"
	loop_until "grep -q 0 $SYSFS_PATCHES/$1/transition" || die "the transition of $1 does not end"
}

load_failing_mod() {
	local said
	said=$(insert "$@")
	[[ -n $said ]] || die "$1 could be loaded"
	log "$said"
}

unload_mod() {
	loop_until "grep -q '^0' /sys/module/$1/refcnt" || die "somebody holds $1"
	log "% rmmod $1"
	rmmod "$1" || die "$1 cannot be removed"
	loop_until "[[ ! -e /sys/module/$1 ]]" || die "$1 is still there"
}

unload_lp() { unload_mod "$1"; }

disable_lp() {
	log "% echo 0 > $SYSFS_PATCHES/$1/enabled"
	echo 0 > "$SYSFS_PATCHES/$1/enabled"
	loop_until "[[ ! -e $SYSFS_PATCHES/$1 ]]" || die "$1 is still there"
}

set_pre_patch_ret() {
	log "% echo $2 > /sys/module/$1/parameters/pre_patch_ret"
	echo "$2" > "/sys/module/$1/parameters/pre_patch_ret"
}

check_sysfs_value() {
	local found
	found=$(cat "$SYSFS_PATCHES/$1/$2")
	[[ $found == "$3" ]] || die "$1/$2 is $found and not $3"
}

does_sysfs_exist() { [[ -e $SYSFS_PATCHES/$1/$2 ]]; }
