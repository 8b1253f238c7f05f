#!/bin/busybox sh
# What the emulated machine does: the /dev/kvm program as an unprivileged user, with the kernel's trace of its events.
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mount -t tracefs none /sys/kernel/tracing
trace=/sys/kernel/tracing
for module in irqbypass ccp kvm kvm-amd; do insmod "/modules/$module.ko"; done

as_nobody() { su nobody -s /bin/sh -c "$*" 2>&1; }

echo "== forbidden"
chmod 600 /dev/kvm
as_nobody gi-kvm 1
echo "status $?"

chmod 666 /dev/kvm
for event in kvm_exit kvm_hypercall; do echo 1 >"$trace/events/kvm/$event/enable"; done
echo "== events"
as_nobody gi-kvm events
for event in kvm_exit kvm_hypercall; do echo 0 >"$trace/events/kvm/$event/enable"; done
echo "== trace"
grep -v '^#' "$trace/trace"

echo "== figures"
as_nobody gi-kvm 512
echo "== hang"
as_nobody gi-kvm hang
echo "status $?"
echo "== done"
poweroff -f
