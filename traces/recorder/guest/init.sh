#!/bin/sh
# PID 1 of the recorded guest: prepares it, runs the workload, powers off.
export PATH=/bin:/gi
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tracefs tracefs /sys/kernel/tracing
tool seed "${replicate:-1}" # of the kernel's command line, which init gets as a variable

mark=100

# step NAME: a mark in the recording and a line on the log.
step() {
  tool mark "$mark" "$1"
  mark=$((mark + 1))
}

# load_gi [PARAMETER...]: the guest-integrity driver, with the kernel's addresses.
load_gi() {
  # shellcheck disable=SC2046 # a list of parameters
  must insmod /gi/gi.ko $(cat /gi/gi.parameters) "$@"
}

# must COMMAND...: the recording ends here, with the recorder told of it, if the command fails.
must() {
  "$@" && return
  echo "workload: failed status=$? command=$*"
  poweroff -f
  while :; do :; done
}

# until_it COMMAND...: waits for a server, and not for ever.
until_it() {
  i=0
  until "$@" >/dev/null 2>&1; do
    i=$((i + 1))
    [ $i -lt 200 ] || must false "$@ never succeeded"
    sleep 0.05
  done
}

fork_and_exec() {
  i=0
  while [ $i -lt "$1" ]; do
    true | cat
    ls /modules >/dev/null
    [ -n "$(cut -d' ' -f1 /proc/loadavg)" ]
    i=$((i + 1))
  done
}

compress() {
  i=0
  while [ $i -lt "$1" ]; do
    head -c "$2" /bin/busybox | gzip -9 | gunzip | md5sum >/dev/null
    i=$((i + 1))
  done
}

# database ROWS
database() {
  sqlite3 /tmp/test.db <<SQL
CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, value INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
INSERT INTO t SELECT i, 'row ' || (i * 7919 % 10007), i * i FROM n;
CREATE INDEX by_name ON t (name);
SELECT count(*), sum(value) FROM t WHERE name LIKE 'row 9%';
UPDATE t SET value = value + 1 WHERE id % 3 = 0;
DELETE FROM t WHERE id % 5 = 0;
VACUUM;
SQL
  rm /tmp/test.db
}

# load_modules TIMES: the stock modules, each in and out.
load_modules() {
  i=0
  while [ $i -lt "$1" ]; do
    for module in /modules/stock/*.ko; do
      name=${module##*/}
      insmod "$module" && rmmod "${name%.ko}"
    done
    i=$((i + 1))
  done
}

# trace_functions TIMES: the function tracer on and off, which rewrites kernel text.
trace_functions() {
  i=0
  cd /sys/kernel/tracing || return
  while [ $i -lt "$1" ]; do
    echo 'vfs_*' >set_ftrace_filter
    echo function >current_tracer
    ls / >/dev/null
    echo nop >current_tracer
    echo >set_ftrace_filter
    i=$((i + 1))
  done
  cd /
}

# set_kprobes TIMES: breakpoints and jumps in kernel text.
set_kprobes() {
  i=0
  cd /sys/kernel/tracing || return
  while [ $i -lt "$1" ]; do
    echo 'p:open do_sys_openat2' >kprobe_events
    echo 'p:fork kernel_clone' >>kprobe_events
    echo 1 >events/kprobes/enable
    ls / >/dev/null
    echo 0 >events/kprobes/enable
    echo >kprobe_events
    i=$((i + 1))
  done
  cd /
}

# shellcheck source=/dev/null
. /etc/workload.sh
step power-off
poweroff -f
