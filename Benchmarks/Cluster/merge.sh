#!/bin/sh
# Joins a sweep's results; ends with status 2 and lists the cells that lack one.
#
#   merge.sh GI_BENCH FOLDER
set -eu
exec "$1" merge "$2" --quiet --export json="$2/sweep.json" --export csv="$2/sweep.csv" --export html="$2/sweep.html"
