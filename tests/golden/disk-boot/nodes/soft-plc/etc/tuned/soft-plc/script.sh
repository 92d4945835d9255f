#!/bin/bash
# written by quietcore: change the program, not this file
# Real-time priorities of per-CPU kernel threads, as the [scheduler] groups of the realtime-virtual profiles have them.

. /usr/lib/tuned/functions

GROUPS_BY_PRIORITY="2:^(ksoftirqd|ktimers)/ 4:^(rcuc|rcub)/"

each_thread() {
    for group in $GROUPS_BY_PRIORITY; do
        for pid in $(pgrep "${group#*:}"); do
            "$1" "${group%%:*}" "$pid" || return 1
        done
    done
}

raise() {
    chrt --fifo --pid "$1" "$2"
}

is_raised() {
    chrt --pid "$2" | grep -q "priority: $1\$"
}

start() {
    each_thread raise
}

stop() {
    return 0
}

verify() {
    each_thread is_raised
}

process "$@"
