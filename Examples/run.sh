#!/usr/bin/env bash
# Runs every package's program, each in its own folder; they are built already. Of those that a tutorial explains, compares the output with what the tutorial
# shows: word by word, with any number for a number, since figures move with the model.
set -euo pipefail
cd "$(dirname "$0")"
export TMPDIR=/tmp
# Runs a program with arguments, in the folder of its package.
run() { (cd "$1" && "../.build/debug/$1" "${@:2}"); }
run differential-walk
run page-look-up
run own-consumer ../../traces/quick.trace

masked() { sed -E 's/[0-9]+(\.[0-9]+)?(e-?[0-9]+)?/N/g'; }
status=0
for page in ../Documentation/Course.docc/Add*.md; do
  shown=$(awk '/^```console$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$page")
  read -r -a command <<<"$(sed -n '1s/^\$ swift run //p' <<<"$shown")"
  [ ${#command[@]} -gt 0 ] || { echo "$page: no block 'console' with a command \$ swift run NAME" >&2; exit 1; }
  printed=$(run "${command[@]}")
  printf '%s\n' "$printed"
  if ! diff <(tail -n +2 <<<"$shown" | masked) <(masked <<<"$printed") >&2; then
    echo "$page: the program prints something else by now; paste its output anew" >&2
    status=1
  fi
done
exit $status
