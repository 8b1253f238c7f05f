# sqlite3 and gzip: a guest that works in user space
# shellcheck shell=dash
step load-driver
load_gi
step database
database 8000
step compress
compress 2 400000
