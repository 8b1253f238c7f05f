#!/usr/bin/env bash
# What one would use instead, on the same data in one run: containers of ranges from other projects beside our tree, and whole programs
# beside a replay. Called by `make peers`, which installs what it takes.
set -euo pipefail
cd "$(dirname "$0")/.."
trace=${TRACE:-traces/quick.trace}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
TIMEFORMAT='%U %S'

# Millions of $1 a second of processor time that the command takes.
rate() {
  local count=$1 seconds
  shift
  seconds=$({ time "$@" >"$work/out" 2>"$work/err"; } 2>&1) || { cat "$work/err" >&2; echo "peers.sh: $1 failed" >&2; exit 1; }
  awk -v count="$count" '{printf "%.1f", count / ($1 + $2) / 1e6}' <<<"$seconds"
}

Benchmarks/Micro/.build-peers/release/ratios peers

gi_bench=.build/release/gi-bench
text=$work/text.csv
"$gi_bench" trace convert "$trace" --to csv --output "$text"
g++ -O3 -std=c++17 -o "$work/script" Benchmarks/Peers/script.cpp
stores=$(grep -c '^write' "$text")
head -200000 "$text" >"$work/head.csv"

printf '\n| %s, whole programs | M stores a second of processor time |\n| --- | --- |\n' "$(basename "$trace")"
printf '| gi-bench, one strategy and no monitoring | %s |\n' "$(rate "$stores" "$gi_bench" run "$trace" --strategy eptp-exit --counters-only)"
printf '| a C++ script over its csv, a TLB and a set of pages | %s |\n' "$(rate "$stores" "$work/script" "$text" 0x1000-0x1fff)"
seconds=$({ time valgrind --tool=cachegrind --cache-sim=yes --cachegrind-out-file=/dev/null "$work/script" "$work/head.csv" 2>"$work/err" >/dev/null; } 2>&1)
awk -v seconds="$seconds" '/D +refs:/ {gsub(",", ""); split(seconds, t, " ")
  sub(/.*\(/, ""); for (i = 1; i <= NF; i++) if ($i ~ /^wr\)/) writes = $(i - 1)
  printf "| cachegrind, which simulates every reference of a program itself | %.1f |\n", writes / (t[1] + t[2]) / 1e6}' "$work/err"
