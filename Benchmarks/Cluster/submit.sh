#!/bin/sh
# Begins a sweep on a Slurm cluster: one job array, a task a chunk, and behind it the merge.
#
#   submit.sh PLAN FOLDER [CHUNKS] [-- SBATCH OPTIONS]
#
# FOLDER must be seen by every node, and so must the recordings, under the paths that the plan gives. GI_BENCH names the
# program; a static one (`make release`) needs nothing installed on the nodes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
gi_bench=${GI_BENCH:-gi-bench}
plan=$1 folder=$2
shift 2
chunks=
if [ $# -gt 0 ] && [ "$1" != -- ]; then chunks=$1; shift; fi
if [ $# -gt 0 ]; then shift; fi
"$gi_bench" sweep "$plan" --output "$folder" --prepare
folder=$(cd "$folder" && pwd)
# A task costs the scheduler up to 0.7 s, so that of many short cells several make a task; no array is longer than 1000.
if [ -z "$chunks" ]; then
  cells=$("$gi_bench" sweep "$folder" --open-chunks 1000 | tr ',' '\n' | wc -l)
  chunks=$cells
fi
echo "$chunks" >"$folder/chunks"
exec "$here/repair.sh" "$folder" -- "$@"
