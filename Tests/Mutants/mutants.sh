#!/usr/bin/env bash
# Plants single faults in a copy of the sources, all in one build behind a switch, and tells which of them tests see.
#
#   mutants.sh COUNT ROOM…     ROOM as in Sources; COUNT faults are spread over them
#
# ONLY="12 40-60" runs those numbers alone, KEEP=1 takes the build that is there, LIMIT is the time for one fault in
# seconds: by default what the tests take without a fault four times, and half a minute. The list of faults and verdicts
# is .build-mutants/report.txt: number, verdict, kind, place, the line.
# A fault is seen where a test fails or the tests crash; where they do not end in time it is told apart, since a machine
# with other work may be what is slow. Exit status 0, whatever survives.
set -euo pipefail
count=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/.build-mutants
tree=$work/tree
swift=${SWIFT:-swift}

# The tests that are to see the faults of a room.
suite() {
  case $1 in
  Execution | ScriptedGuest) echo GuestIntegrityTests ;;
  *) echo "${1}Tests" ;;
  esac
}

candidates() {
  for room in "$@"; do
    (cd "$root" && find "Sources/$room" -name '*.swift' ! -path '*/Explain/*' | sort | xargs awk -v mode=list -f "$here/plant.awk")
  done
}

# Makes a folder the same as another, and touches no file that is the same already, so that little is built anew.
mirror() {
  (cd "$2" && find . -type f) | while read -r file; do [ -e "$1/$file" ] || rm "$2/$file"; done
  (cd "$1" && find . -type f) | while read -r file; do
    cmp -s "$1/$file" "$2/$file" || install -D -m 644 "$1/$file" "$2/$file"
  done
}

plant() {
  local stage=$work/stage room file
  # What the compiler could not take is left out; the others are spread evenly.
  candidates "$@" | awk -v count="$count" -v refused="$work/refused" '
    BEGIN { while ((getline line < refused) > 0) isRefused[line] = 1 }
    !($1 in isRefused) { place[++n] = $0 }
    END {
      for (k = 1; k <= count && k <= n; k++) {
        at = n > count ? int((k - 0.5) * n / count) + 1 : k
        split(place[at], part, " ")
        print part[1], k, part[2]
      }
    }' >"$work/chosen"
  rm -rf "$stage"
  mkdir -p "$stage/Sources/CMutation/include"
  cp -r "$root/Sources" "$root/Tests" "$stage/"
  for room in "$@"; do
    echo '@_silgen_name("gi_mutant") @usableFromInline func mutant(_ number: Int32) -> Bool' >"$stage/Sources/$room/Mutant.swift"
  done
  sed 's/:.*//' "$work/chosen" | sort -u | while read -r file; do
    (cd "$root" && awk -v mode=plant -v chosen="$work/chosen" -f "$here/plant.awk" "$file") >"$stage/$file"
  done
  cp "$here/switch.c" "$stage/Sources/CMutation/"
  cp "$here/switch.h" "$stage/Sources/CMutation/include/"
  # Every room is linked with Addresses, so that brings the switch to all.
  sed -e 's|\.target(name: "CHost"),|.target(name: "CHost"), .target(name: "CMutation"),|' \
    -e 's|\.target(name: "Addresses", |.target(name: "Addresses", dependencies: ["CMutation"], |' \
    "$root/Package.swift" >"$stage/Package.swift"
  # Of all targets those stay that the tests need.
  {
    echo 'var kept: Set<String> = []'
    cat <<'SWIFT'
@MainActor func keep(_ name: String) {
  guard kept.insert(name).inserted, let target = package.targets.first(where: { $0.name == name }) else { return }
  for dependency in target.dependencies {
    switch dependency {
    case .byNameItem(let name, _), .targetItem(let name, _): keep(name)
    default: break
    }
  }
}
SWIFT
    for room in "$@"; do echo "keep(\"$(suite "$room")\")"; done
    echo 'package.targets.removeAll { !kept.contains($0.name) }'
    echo 'package.products = []'
  } >>"$stage/Package.swift"
  mirror "$stage" "$tree"
}

build() {
  local round
  : >"$work/refused"
  for round in 1 2 3 4 5 6; do
    plant "$@"
    echo "round $round: $(wc -l <"$work/chosen") faults planted, building" >&2
    if $swift build --package-path "$tree" --scratch-path "$work/build" --build-tests >"$work/log" 2>&1; then return; fi
    # Places where the compiler refuses what was planted.
    awk -v tree="$tree/" '
      / error: / { sub(tree, ""); sub(/^.*Sources\//, "Sources/"); split($0, part, ":"); print part[1] ":" part[2] }' "$work/log" |
      grep '^Sources/' | sort -u >"$work/new" || true
    [ -s "$work/new" ] || { grep -m 20 'error' "$work/log" >&2; echo "mutants.sh: the build fails for another reason; see $work/log" >&2; exit 1; }
    cat "$work/new" >>"$work/refused"
  done
  echo "mutants.sh: the build still fails; see $work/log" >&2
  exit 1
}

# The verdict on a fault, by these tests and within a time: the test that sees it first, or how the run ended.
verdict() {
  local number=$1 filter=$2 pid status=0 seen
  : >"$work/run"
  (cd "$tree" && exec env GI_MUTANT="$number" SWIFT_BACKTRACE=enable=no timeout -k 5 "$3" nice -n 10 \
    "$work/build/debug/gi-benchPackageTests.xctest" --testing-library swift-testing --filter "$filter" >"$work/run" 2>&1) &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    # One test that fails is enough.
    if grep -q 'recorded an issue' "$work/run"; then
      kill "$pid" 2>/dev/null || true
      break
    fi
    sleep 0.3
  done
  wait "$pid" || status=$?
  seen=$(grep -m 1 -o '.*recorded an issue' "$work/run" | sed 's/^[^A-Za-z]*//; s/ recorded an issue$//' || true)
  if [ -n "$seen" ]; then
    echo "seen by ${seen#Test }"
  elif [ "$status" = 124 ]; then
    echo "NOT DONE in $3 s"
  elif [ "$status" != 0 ]; then
    echo "seen: ended with status $status"
  else
    echo "NOT SEEN"
  fi
}

wanted() {
  [ -z "${ONLY:-}" ] && return 0
  local part
  for part in $ONLY; do
    if [ "$1" -ge "${part%-*}" ] && [ "$1" -le "${part#*-}" ]; then return 0; fi
  done
  return 1
}

mkdir -p "$tree"
[ -n "${KEEP:-}" ] || build "$@"
[ -n "${KEEP:-}" ] || : >"$work/report.txt"
rooms=$(awk '{split($1, part, "/"); print part[2]}' "$work/chosen" | sort -u)
declare -A limits
for room in $rooms; do
  began=$SECONDS
  result=$(verdict 0 "$(suite "$room")" 3600)
  took=$((SECONDS - began))
  [ "$result" = 'NOT SEEN' ] || { echo "mutants.sh: the tests of $room fail without a fault: $result; see $work/run" >&2; exit 1; }
  limits[$room]=${LIMIT:-$((4 * took + 30))}
  echo "$room without a fault: $took s, so ${limits[$room]} s for each" >&2
done
while read -r place number kind; do
  wanted "$number" || continue
  room=${place#Sources/}
  room=${room%%/*}
  result=$(verdict "$number" "$(suite "$room")" "${limits[$room]}")
  line=$(sed -n "${place##*:}p" "$root/${place%:*}" | sed 's/^ *//')
  printf '%s\t%s\t%s\t%s\t%s\n' "$number" "$result" "$kind" "$place" "$line" | tee -a "$work/report.txt"
done <"$work/chosen"
awk -F '\t' '{n++} $2 ~ /^NOT/ {print} $2 == "NOT SEEN" {survivors++} $2 ~ /^NOT DONE/ {late++}
  END {printf "%d faults: %d seen, %d not seen, %d not done in time\n", n, n - survivors - late, survivors, late}' "$work/report.txt"
