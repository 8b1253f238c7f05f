#!/bin/sh
# One task of a sweep's job array: the cells of one chunk that have no result yet.
set -eu
exec "$1" sweep "$2" --chunk "$SLURM_ARRAY_TASK_ID/$3" --jobs "${SLURM_CPUS_PER_TASK:-1}"
