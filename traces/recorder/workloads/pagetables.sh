# A fork and exec storm with the page tables of the kernel and of the forking shell protected, and every attack
# shellcheck shell=dash
step load-driver
load_gi page_tables="$(cat /etc/page-tables)"
step fork-and-exec
fork_and_exec 80
step attack
attack
step after-attack
fork_and_exec 10
