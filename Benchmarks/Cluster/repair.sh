#!/bin/sh
# Submits what a sweep still lacks: the chunks with cells that have no result, failed ones included, and behind them the merge.
#
#   repair.sh FOLDER [-- SBATCH OPTIONS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
gi_bench=${GI_BENCH:-gi-bench}
folder=$(cd "$1" && pwd)
shift
if [ $# -gt 0 ]; then shift; fi
chunks=$(cat "$folder/chunks")
open=$("$gi_bench" sweep "$folder" --open-chunks "$chunks")
if [ -z "$open" ]; then
  echo "$folder: every cell has its result; join them with gi-bench merge $folder"
  exit 0
fi
mkdir -p "$folder/logs"
# A task that ends with another status than 0 is not tried again by --requeue, which is for nodes that die: gi-bench tries a
# failed cell twice itself. The merge comes after any end (afterany), since afterok is cancelled by one failure.
array=$(sbatch --parsable --requeue --job-name=gi-sweep --array="$open" --output="$folder/logs/%a.log" "$@" \
  "$here/chunk.sh" "$gi_bench" "$folder" "$chunks")
merge=$(sbatch --parsable --job-name=gi-merge --dependency="afterany:$array" --output="$folder/logs/merge.log" "$@" \
  "$here/merge.sh" "$gi_bench" "$folder")
echo "$array" >"$folder/job"
echo "$merge" >"$folder/merge-job"
echo "submitted $(echo "$open" | tr ',' '\n' | wc -l) of $chunks chunks as job $array, the merge as job $merge"
