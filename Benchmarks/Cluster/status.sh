#!/bin/sh
# Says how far a sweep on a cluster is.
#
#   status.sh FOLDER
set -eu
folder=$1
cells=$(grep -c '"id" :' "$folder/manifest.json")
done=$(find "$folder/cells" -name '*.json' | wc -l)
failed=$(find "$folder/failed" -name '*.json' | wc -l)
echo "$folder: $done of $cells cells done, $failed failed"
if [ -e "$folder/job" ]; then
  squeue --noheader --array --jobs="$(cat "$folder/job"),$(cat "$folder/merge-job")" --format='%i %T %N' 2>/dev/null || true
fi
