#!/usr/bin/env bash
# Looks for memory that is never freed: runs each target on its seeds, the corpus kept beside this file and 2 000 inputs more,
# with the leak sanitizer looking after each input that allocates more than it frees, and at the end.
# leaks.sh TARGET...
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$here/../../.build-fuzz
export ASAN_OPTIONS=detect_leaks=1 SWIFT_BACKTRACE=enable=no
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
look() {
  local kept=$here/Corpus/$1
  mkdir -p "$build/leaks/$1"
  FUZZ=$1 FUZZ_SEEDS=$build/leaks/$1 ASAN_OPTIONS=detect_leaks=0 "$build/release/fuzz"
  FUZZ=$1 "$build/release/fuzz" -runs=2000 -seed=1 -max_len=256 -timeout=60 -rss_limit_mb=4096 -detect_leaks=1 -verbosity=0 \
    -artifact_prefix="$build/leak-$1-" "$build/leaks/$1" $([ -d "$kept" ] && echo "$kept") >"$build/leaks-$1.log" 2>&1
}
if look leaky; then
  echo "leaks.sh: a target that leaks was not found to; the leak sanitizer does not run here" >&2
  exit 1
fi
for target in "$@"; do
  look "$target" || { cat "$build/leaks-$target.log"; echo "$target: memory is lost; the input is named above" >&2; exit 1; }
  echo "$target: no leak"
done
