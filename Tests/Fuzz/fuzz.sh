#!/usr/bin/env bash
# Fuzzes each target for so many seconds, from its own seeds and the corpus kept beside this file; tells executions and rate.
# fuzz.sh SECONDS TARGET...
set -euo pipefail
seconds=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../.build-fuzz
# Long inputs take long, and say no more than short ones; of JSON texts a whole one is long.
longest() { case $1 in profile | results) echo 20000 ;; header | file) echo 2048 ;; script | import) echo 256 ;; *) echo 512 ;; esac; }

# Who allocated what is not kept while nothing is found: it takes as long as the input does.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:malloc_context_size=0:quarantine_size_mb=8} SWIFT_BACKTRACE=enable=no
# What a trace's writer keeps is kept in memory.
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
for target in "$@"; do
  mkdir -p "$build/corpus/$target"
  FUZZ=$target FUZZ_SEEDS=$build/corpus/$target "$build/release/fuzz"
  kept=$here/Corpus/$target
  log=$build/$target.log
  if ! FUZZ=$target "$build/release/fuzz" -max_total_time="$seconds" -max_len="$(longest "$target")" -timeout=20 \
    -rss_limit_mb=4096 -detect_leaks=0 -verbosity=0 -print_final_stats=1 -artifact_prefix="$build/$target-" \
    "$build/corpus/$target" $([ -d "$kept" ] && echo "$kept") >"$log" 2>&1; then
    cat "$log"
    echo "$target: found something; the input is named above" >&2
    exit 1
  fi
  awk -v target="$target" '/number_of_executed_units/ { n = $2 } /average_exec_per_sec/ { r = $2 }
    END { printf "%-12s %10d executions, %d a second\n", target, n, r }' "$log"
done
