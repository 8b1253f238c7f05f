# A redis server and its benchmark over loopback: 2 000 SET and 2 000 GET by 20 clients
# shellcheck shell=dash
# memory: 256
# accesses: load-driver
# packages: redis-server redis-tools libatomic1 libjemalloc2 liblzf1 libssl3 libsystemd0 libcap2 libgcrypt20 libgpg-error0 liblzma5 libzstd1 liblz4-1 libstdc++6 libgcc-s1
# programs: usr/bin/redis-server usr/bin/redis-benchmark usr/bin/redis-cli
# applets: ifconfig sleep
must ifconfig lo 127.0.0.1 up
step load-driver
load_gi
step start-server
must /usr/bin/redis-server --daemonize yes --save "" --appendonly no --bind 127.0.0.1 --dir /tmp >/dev/null
until_it /usr/bin/redis-cli ping
step benchmark
must /usr/bin/redis-benchmark -q -t set,get -n 2000 -c 20 -d 64 -r 2000
step stop-server
must /usr/bin/redis-cli shutdown nosave
