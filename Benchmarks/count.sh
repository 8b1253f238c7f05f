#!/usr/bin/env bash
# Counts the instructions of one operation on each hot path with callgrind, and holds them against the baseline:
#   count.sh check | update
# A path may take 1 % more than its baseline; fewer instructions are no failure. From a violation to its alert, moreover,
# nothing may be allocated, copied by the C library, reference-counted, locked or timed. Exit status: 0 held, 1 could not
# be counted, 2 a path takes more.
set -euo pipefail
cd "$(dirname "$0")/.."
baseline=Benchmarks/baselines/instructions.txt
program=$(mktemp)
profile=$(mktemp)
trap 'rm -f "$program" "$profile" "$baseline.new"' EXIT
# Older valgrinds do not read the debugging information of new compilers; counting needs the symbols only.
strip -g -o "$program" Benchmarks/Micro/.build/release/counted

# The C library picks its copying routines by processor; the oldest ones are the same everywhere.
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2_Usable,-AVX512F_Usable,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-AVX2,-AVX512F
# Hash tables are seeded anew in each process otherwise, and walked through differently.
export SWIFT_DETERMINISTIC_HASHING=1

# Instructions of the whole program with $2 runs of path $1.
instructions() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 >/dev/null </dev/null | awk '/ Collected : / {print $4}'
}

# callgrind lets programs see AVX2 where the processor has it, and never AVX-512: so the tree is looked up alike everywhere.
grep -qw avx2 /proc/cpuinfo || { echo "count.sh: the processor has no AVX2, by which the baseline was counted; count on one that has" >&2; exit 1; }

paths=$("$program")
status=0
{
  echo "# Instructions an operation (x86-64, release build), by callgrind: make bench-update renews them, make bench-check holds them within 1 %."
  while read -r path operations; do
    one=$(instructions "$path" 1)
    two=$(instructions "$path" 2)
    [ -n "$one" ] && [ -n "$two" ] || { echo "count.sh: callgrind did not count $path; run valgrind --tool=callgrind by hand to see why" >&2; exit 1; }
    awk -v path="$path" -v n="$((two - one))" -v operations="$operations" 'BEGIN {printf "%s %.2f\n", path, n / operations}'
  done <<<"$paths"
} >"$baseline.new"

case "${1:-check}" in
update)
  mv "$baseline.new" "$baseline"
  grep -v '^#' "$baseline"
  ;;
check)
  [ -f "$baseline" ] || { echo "count.sh: there is no $baseline to check against; make bench-update writes it" >&2; exit 1; }
  awk '
    /^#/ {next}
    FNR == NR {before[$1] = $2; next}
    !($1 in before) {print $1 ": " $2 " instructions, and no baseline; make bench-update adds it"; worse = 1; next}
    {
      change = ($2 / before[$1] - 1) * 100
      verdict = change > 1 ? "MORE than 1 %" : "held"
      printf "%-22s %8.2f instructions, baseline %8.2f, %+.1f %%: %s\n", $1, $2, before[$1], change, verdict
      if (change > 1) worse = 1
    }
    END {exit worse ? 2 : 0}' "$baseline" "$baseline.new" || status=$?
  valgrind --tool=callgrind --toggle-collect='*NotificationWorkload*notify*' --callgrind-out-file="$profile" \
    "$program" notification 1 >/dev/null 2>&1 </dev/null
  grep -q 'HypervisorC6handle' "$profile" || { echo "count.sh: callgrind saw no violation handled on the path of notification" >&2; exit 1; }
  if grep -oE '\) _*(swift_[[:alnum:]_]+|[cm]alloc|realloc|free|mem(cpy|move|set)[[:alnum:]_]*|pthread_[[:alnum:]_]+|clock_gettime)(@.*)?$' "$profile" \
    | sort -u | sed 's/^) */notification: calls /'; then
    status=2
  else
    echo "notification: nothing is allocated, copied, counted, locked or timed"
  fi
  exit $status
  ;;
*)
  echo "count.sh: $1 is neither check nor update" >&2
  exit 64
  ;;
esac
