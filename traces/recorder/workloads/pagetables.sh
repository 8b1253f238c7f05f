# A fork and exec storm with the kernel's page tables protected, and every attack
# shellcheck shell=dash
step load-driver
load_gi page_tables="$(cat /etc/page-tables)"
step fork-and-exec
fork_and_exec 100
step attack
attack
step after-attack
fork_and_exec 10
