# An nginx server with two workers and a client over loopback: 800 requests, half of them on connections of their own
# shellcheck shell=dash
# memory: 256
# accesses: load-driver
# packages: nginx libcrypt1 libpcre2-8-0 libssl3 apache2-utils libapr1 libaprutil1 libuuid1 libexpat1
# programs: usr/sbin/nginx usr/bin/ab
# applets: ifconfig mkdir sleep wget
must ifconfig lo 127.0.0.1 up
mkdir -p /tmp/www /var/log/nginx /var/lib/nginx
echo 'root:x:0:0:root:/:/bin/sh' >/etc/passwd
echo 'root:x:0:' >/etc/group
head -c 20000 /gi/busybox >/tmp/www/page
cat >/tmp/nginx.conf <<'CONF'
user root root;
worker_processes 2;
pid /tmp/nginx.pid;
error_log /tmp/error.log;
events { worker_connections 64; }
http {
  access_log /tmp/access.log;
  sendfile on;
  server { listen 127.0.0.1:80; root /tmp/www; }
}
CONF
step load-driver
load_gi
step start-server
must /usr/sbin/nginx -c /tmp/nginx.conf
until_it wget -q -O /dev/null http://127.0.0.1/page
step requests
must /usr/bin/ab -q -n 400 -c 8 http://127.0.0.1/page >/dev/null
step kept-connections
must /usr/bin/ab -q -k -n 400 -c 8 http://127.0.0.1/page >/dev/null
step stop-server
must /usr/sbin/nginx -c /tmp/nginx.conf -s stop
