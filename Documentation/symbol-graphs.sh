#!/usr/bin/env bash
# Extracts the symbols of every room, for documentation and for counting, from modules that are built already.
#
# usage: symbol-graphs.sh BUILD-FOLDER ACCESS-LEVEL OUTPUT, from the project's root; SWIFT names the compiler
set -euo pipefail
build=$1 level=$2 output=$3
tools=$(dirname "$(realpath "$(command -v "${SWIFT:-swift}")")")
rm -rf "$output"
mkdir -p "$output"
maps=()
for map in Sources/*/module.modulemap "$build"/*.build/module.modulemap "$build"/../../checkouts/*/Sources/*/include/module.modulemap; do
  [ ! -f "$map" ] || maps+=(-Xcc "-fmodule-map-file=$map")
done
for catalogue in Sources/*/*.docc; do
  room=$(basename "$catalogue" .docc)
  [ -e "$build/Modules/$room.swiftmodule" ] || continue
  "$tools/swift-symbolgraph-extract" -module-name "$room" -target x86_64-unknown-linux-gnu -I "$build/Modules" "${maps[@]}" \
    -minimum-access-level "$level" -skip-synthesized-members -output-dir "$output"
done
