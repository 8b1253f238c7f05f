# A complete boot, the driver at work, a little of everything, every attack
# shellcheck shell=dash
step load-driver
load_gi
step fork-and-exec
fork_and_exec 15
step compress
compress 1 200000
step database
database 800
step load-modules
load_modules 2
step trace-functions
trace_functions 2
step set-kprobes
set_kprobes 3
step attack
attack
step after-attack
fork_and_exec 5
