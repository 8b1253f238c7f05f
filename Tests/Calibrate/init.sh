#!/bin/busybox sh
# What an emulated machine does: our kernel module where it is there, then the /dev/kvm program as an unprivileged user,
# with the kernel's trace of its exits.
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tracefs none /sys/kernel/tracing
dmesg -n 1
trace=/sys/kernel/tracing

as_nobody() { su nobody -s /bin/sh -c "$*" 2>&1; }

# Loads our module, and prints what it tells the kernel's log.
calibrate() {
  dmesg -c >/dev/null
  insmod /modules/gi_calibration.ko "$@" 2>/dev/null
  dmesg -c | grep gi_calibration
}

trace_exits() {
  for event in kvm_exit kvm_page_fault kvm_hypercall; do echo "$1" >"$trace/events/kvm/$event/enable"; done
}

if [ -f /modules/gi_calibration.ko ]; then
  echo "== module"
  calibrate
  echo "== module-hang"
  calibrate hang=1
  echo "== loaded"
  cat /proc/modules
fi

while read -r module; do insmod "/modules/$module.ko"; done </modules/order
echo "== forbidden"
chmod 600 /dev/kvm
as_nobody gi-kvm 1
echo "status $?"

chmod 666 /dev/kvm
trace_exits 1
echo "== events"
as_nobody gi-kvm events
trace_exits 0
echo "== trace"
grep -v '^#' "$trace/trace" | grep -o 'kvm_.*'

echo "== figures"
as_nobody gi-kvm 512
echo "== hang"
as_nobody gi-kvm hang
echo "status $?"

if [ -f /modules/gi_calibration.ko ]; then
  # Another guest has VMX on meanwhile.
  echo "== module-busy"
  as_nobody gi-kvm hang >/dev/null &
  sleep 0.3
  calibrate
  wait
fi
if [ -f /bin/gi-bench ]; then
  chmod 1777 /tmp
  echo "== measure"
  as_nobody CC=/bin/stand-in-cc gi-bench profile measure --samples 64 --functional --output /tmp/functional.json
  echo "status $?"
  echo "== profile"
  cat /tmp/functional.json
  echo "== refused"
  as_nobody CC=/bin/stand-in-cc gi-bench profile measure --samples 64 --output /tmp/plain.json
  echo "status $?"
  echo "== left"
  ls -1 /tmp
fi
echo "== done"
poweroff -f
