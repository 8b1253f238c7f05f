#!/bin/sh
# Runs a sweep of 48 cells on a real Slurm of four nodes on this host; kills a node in the middle and lets cells fail; repairs,
# merges, and holds the result against local ones, bit by bit. `make cluster-test` installs what it needs.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cluster=$root/Benchmarks/Cluster
GI_BENCH=${GI_BENCH:-$root/.build/debug/gi-bench}
export GI_BENCH
scratch=$(mktemp -d)
trap '"$cluster/local-slurm.sh" stop "$scratch/slurm"; rm -rf "$scratch"' EXIT
cd "$scratch"
cp "$cluster"/plans/*.json .
cp "$root/traces/quick.trace" fragile.trace

finished() { find sweep/cells -name '*.json' | wc -l; }
say() { echo "$(date +%T) $*"; }
fail() { echo "cluster-test: $*" >&2; tail -n 3 sweep/logs/*.log >&2; exit 1; }
# Waits until the jobs of a sweep have left the queue, at most 300 s.
drain() {
  for _ in $(seq 600); do
    test -n "$(squeue --noheader --states=all --jobs="$(cat sweep/job),$(cat sweep/merge-job)" --format=%T |
      grep -Ev 'COMPLETED|FAILED|CANCELLED|TIMEOUT' || true)" || return 0
    sleep 0.5
  done
  squeue
  fail "jobs are still in the queue after 300 s"
}

eval "$("$cluster/local-slurm.sh" start "$scratch/slurm")"
say "Slurm $(sinfo --version | cut -d' ' -f2): $(sinfo -h -o %D) nodes"

"$cluster/submit.sh" cluster-test.json sweep 16 -- --hold
mv fragile.trace away.trace
scontrol release "$(cat sweep/job)" "$(cat sweep/merge-job)"
until [ "$(finished)" -ge 8 ]; do sleep 0.1; done
"$cluster/local-slurm.sh" kill "$scratch/slurm" 3
say "node n3 is dead, $(finished) of 48 cells done"
drain
"$cluster/status.sh" sweep
[ "$(finished)" = 40 ] || fail "$(finished) cells done, expected 40"
grep -q '8 failed' sweep/logs/merge.log || fail "the merge does not tell of 8 failed cells"
[ ! -e sweep/sweep.json ] || fail "an incomplete sweep was merged"
requeued=$(squeue --noheader --states=all --array --jobs="$(cat sweep/job)" --format='%i' | while read -r task; do
  scontrol show job "$task" | grep -o 'Restarts=[1-9]' || true
done | wc -l)
[ "$requeued" -ge 1 ] || fail "no task of the dead node was begun again"
say "$requeued tasks of the dead node were begun again; 8 cells failed; the merge wrote nothing"

mv away.trace fragile.trace
"$cluster/repair.sh" sweep -- --hold
scontrol release "$(cat sweep/job)" "$(cat sweep/merge-job)"
drain
[ -s sweep/sweep.json ] || fail "the repaired sweep was not merged"
say "repaired: $(finished) of 48 cells done"

for jobs in 1 2; do
  start=$(date +%s.%N)
  "$GI_BENCH" sweep cluster-test.json --output "local$jobs" --jobs "$jobs" --quiet
  echo "$start $(date +%s.%N) $jobs" | awk '{ printf "locally, %d at once: %.1f s, %.0f cells a minute\n", $3, $2 - $1, 48 * 60 / ($2 - $1) }'
done
"$GI_BENCH" sweep cluster-test.json --output one --in-process --quiet
for folder in local1 local2 one; do
  "$GI_BENCH" merge "$folder" --quiet --export json="$folder.json"
  cmp sweep/sweep.json "$folder.json" || fail "$folder differs from the cluster's result"
done
"$cluster/parallel.sh" cluster-test.json shared 8
cmp sweep/sweep.json shared/sweep.json || fail "GNU parallel's result differs from the cluster's"
say "the cluster's, two local ones, one process's and GNU parallel's results are the same, $(wc -c <one.json) bytes"
