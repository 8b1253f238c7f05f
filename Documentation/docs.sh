#!/usr/bin/env bash
# Writes the documentation of every room, and the course, as one site of web pages.
#
# usage: docs.sh SYMBOL-GRAPHS OUTPUT, from the project's root; the folder holds ROOM.symbols.json and ROOM@*.json; SWIFT names the compiler
#
# Pages link to each other as files do, so that they can be read in place; here such links are turned into those of the site.
set -euo pipefail
graphs=$1 output=$2
docc=$(dirname "$(realpath "$(command -v "${SWIFT:-swift}")")")/docc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Links to a room's first page, to another page, to one of the course, and within a catalogue; what is no page becomes its path.
relink() {
  sed -E \
    -e 's#\]\((\.\./)+(Sources/)?([A-Za-z]+)/\3\.docc/\3\.md\)#](/documentation/\L\3\E)#g' \
    -e 's#\]\((\.\./)+(Sources/)?([A-Za-z]+)/\3\.docc/([A-Za-z]+)\.md\)#](/documentation/\L\3/\4\E)#g' \
    -e 's#\]\((\.\./)+Documentation/Course\.docc/Course\.md\)#](/documentation/course)#g' \
    -e 's#\]\((\.\./)+Documentation/Course\.docc/([A-Za-z]+)\.md\)#](/documentation/course/\L\2\E)#g' \
    -e 's#\]\(([A-Za-z]+)\.md\)#](doc:\1)#g' \
    -e 's#\[([^]`]*)\]\((\.\./)+([^)]*)\)#\1 (`\3`)#g' "$1"
}

archives=() failed=0
for catalogue in Documentation/*.docc Sources/*/*.docc; do
  room=$(basename "$catalogue" .docc)
  copy=$work/$room.docc
  mkdir -p "$copy" "$work/graphs/$room"
  for file in "$catalogue"/*; do
    if [ "${file##*.}" = md ]; then relink "$file" >"$copy/$(basename "$file")"; else cp "$file" "$copy"; fi
  done
  cp "$graphs/$room.symbols.json" "$graphs/$room"@*.symbols.json "$work/graphs/$room" 2>/dev/null || true
  "$docc" convert "$copy" --fallback-display-name "$room" --fallback-bundle-identifier "gi-bench.$room" \
    --additional-symbol-graph-dir "$work/graphs/$room" --output-path "$work/$room.doccarchive" >"$work/log" 2>&1 \
    || { cat "$work/log" >&2; exit 1; }
  if grep -q 'warning:' "$work/log"; then
    echo "$catalogue: warnings; correct the pages or the comments that they name" >&2
    cat "$work/log" >&2
    failed=1
  fi
  archives+=("$work/$room.doccarchive")
done
[ $failed = 0 ] || exit 1
rm -rf "$output"
"$docc" merge "${archives[@]}" --synthesized-landing-page-name gi-bench --output-path "$output"

# Links from one room to another, which docc takes for links to somewhere else.
grep -rhoE '"url":"\\/documentation\\/[^"#]+' "$output/data" | sed 's/"url":"//; s#\\/#/#g' | sort -u | while read -r link; do
  [ -e "$output/data$link.json" ] || { echo "$link: pages link to it, and there is no such page" >&2; exit 1; }
done
