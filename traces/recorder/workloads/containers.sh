# Containers come and go: namespaces, a root of their own, a system-call filter and a packet filter that the kernel compiles
# shellcheck shell=dash
# memory: 256
# applets: chmod mkdir sleep sort
# compile: contain.c
mkdir -p /tmp/cgroup /tmp/image/bin /tmp/image/proc
cat /gi/busybox >/tmp/image/bin/busybox
chmod +x /tmp/image/bin/busybox
must mount -t cgroup2 none /tmp/cgroup
step load-driver
load_gi
step containers
i=0
while [ $i -lt 4 ]; do
  must contain /tmp/image /tmp/cgroup "box$i" /bin/busybox sh -c 'echo $$ >/pid; /bin/busybox ls -l /proc | /bin/busybox sort | /bin/busybox md5sum >/sum; /bin/busybox true' >/dev/null
  i=$((i + 1))
done
step two-at-once
i=0
while [ $i -lt 2 ]; do
  contain /tmp/image /tmp/cgroup "more$i" /bin/busybox sh -c '/bin/busybox ls -l /proc | /bin/busybox gzip | /bin/busybox md5sum' >/dev/null &
  i=$((i + 1))
done
wait
