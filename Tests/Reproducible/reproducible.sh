#!/usr/bin/env bash
# Builds the release of HEAD in two folders whose paths differ in length, and tells whether the programs are the same bytes.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
place=$root/.build-reproducible
rm -rf "$place"
for name in a another-folder; do
  mkdir -p "$place/$name"
  git -C "$root" archive HEAD | tar -x -C "$place/$name"
  make -C "$place/$name" release >"$place/$name.log" 2>&1 || { tail "$place/$name.log"; exit 1; }
done
first=$(sha256sum <"$place/a/.build/release/gi-bench")
second=$(sha256sum <"$place/another-folder/.build/release/gi-bench")
echo "SHA-256 ${first%% *}"
[ "$first" = "$second" ] || {
  echo "SHA-256 ${second%% *}, in the other folder; the first bytes that differ:" >&2
  cmp -l "$place/a/.build/release/gi-bench" "$place/another-folder/.build/release/gi-bench" | sed -n '1,5p' >&2
  exit 1
}
