# A fork and exec storm with the page tables of the kernel and of the forking server protected, and every attack
# shellcheck shell=dash
step load-driver
# The driver protects the page tables of the process that loads it: a server that forks again and again.
# shellcheck disable=SC2046 # a list of parameters
tool serve "$mark" 256 160 insmod /gi/gi.ko $(cat /gi/gi.parameters) page_tables="$(cat /gi/page-tables)"
mark=$((mark + 1))
step fork-and-exec
fork_and_exec 20
step attack
attack
step after-attack
fork_and_exec 10
