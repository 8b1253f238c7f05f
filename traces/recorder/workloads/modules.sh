# Stock modules in and out, the function tracer and kprobes on and off
# shellcheck shell=dash
step load-driver
load_gi
step load-modules
load_modules 3
step trace-functions
trace_functions 2
step set-kprobes
set_kprobes 4
