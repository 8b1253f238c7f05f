#!/bin/sh
# A sweep on a few machines without a scheduler: GNU parallel, over ssh where it is given hosts.
#
#   parallel.sh PLAN FOLDER [CHUNKS] [-- PARALLEL OPTIONS, as --sshlogin host1,host2 --workdir .]
#
# FOLDER must be seen by every machine under the same path.
set -eu
gi_bench=${GI_BENCH:-gi-bench}
plan=$1 folder=$2
shift 2
chunks=64
if [ $# -gt 0 ] && [ "$1" != -- ]; then chunks=$1; shift; fi
if [ $# -gt 0 ]; then shift; fi
"$gi_bench" sweep "$plan" --output "$folder" --prepare
folder=$(cd "$folder" && pwd)
open=$("$gi_bench" sweep "$folder" --open-chunks "$chunks" | tr ',' ' ')
# A chunk with a failed cell is not done again here: the merge lists it, and the same command tries it anew.
parallel "$@" "$gi_bench" sweep "$folder" --quiet --jobs 1 --chunk "{}/$chunks" ::: $open || true
exec "$(dirname "$0")/merge.sh" "$gi_bench" "$folder"
