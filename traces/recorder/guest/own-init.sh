#!/gi/busybox sh
# shellcheck shell=dash
# PID 1 of a guest with an initramfs of its own: loads the driver, then becomes that initramfs's /init.
busybox=/gi/busybox
$busybox mkdir -p /dev
$busybox mount -t devtmpfs dev /dev
/gi/tool seed "${replicate:-1}"
/gi/tool mark 100 load-driver
# shellcheck disable=SC2046 # a list of parameters
$busybox insmod /gi/gi.ko $($busybox cat /gi/gi.parameters)
$busybox umount /dev
/gi/tool mark 101 own-init
exec /init "$@"
