#!/usr/bin/env bash
# Plants single faults in a copy of the sources, all in one build behind a switch, and tells which of them tests see.
#
#   mutants.sh COUNT ROOM…     ROOM as in Sources; COUNT faults (at most 4095) are spread over them
#
# Each suite of the rooms' tests runs once without a fault and tells which faults it comes by. A fault is then held against
# the suites that come by it, those with the least processor time first, until one sees it: a test fails or crashes, or takes
# four times the processor time it took without a fault and ten seconds more.
#
# What is done is kept: called again with the same sources, it goes on. When only tests have changed since, faults that were
# seen count as seen, the others are tried again, but for those that explained.txt explains; SUITES="CacheTests DebtTests" then
# looks anew at those suites alone, if you know that the others are as they were. ONLY="12 40-60" tries those numbers again,
# whatever is known. JOBS=2 faults are tried at a time.
# .build-mutants/report.txt holds number, verdict, kind, place and line of each fault; explained.txt beside this script
# names those that no test can see, with the reason. Exit status 0, whatever survives.
set -euo pipefail
count=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/.build-mutants
tree=$work/tree
swift=${SWIFT:-swift}
run=$work/run
jobs=${JOBS:-2}
export SWIFT_BACKTRACE=enable=no

# The tests that are to see the faults of a room.
tests_of() {
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
  # Spread evenly; instead of what the compiler could not take comes the next place, so that the others keep their numbers.
  candidates "$@" | awk -v count="$count" -v refused="$work/refused" '
    BEGIN { while ((getline line < refused) > 0) isTaken[line] = 1 }
    { place[++n] = $0 }
    END {
      for (k = 1; k <= count && k <= n; k++) {
        at = n > count ? int((k - 0.5) * n / count) + 1 : k
        for (tries = 1; tries <= n; tries++) {
          split(place[at], part, " ")
          if (!(part[1] in isTaken)) break
          at = at % n + 1
        }
        if (tries > n) break
        isTaken[part[1]] = 1
        print part[1], k, part[2]
      }
    }' >"$work/chosen"
  while read -r file _; do sed -n "${file##*:}{s/^ *//;p}" "$root/${file%:*}"; done <"$work/chosen" >"$work/lines"
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
    for room in "$@"; do echo "keep(\"$(tests_of "$room")\")"; done
    echo 'package.targets.removeAll { !kept.contains($0.name) }'
    echo 'package.products = []'
  } >>"$stage/Package.swift"
  mirror "$stage" "$tree"
}

build() {
  local round
  # What the compiler refused of the same sources it refuses again.
  [ "$(cat "$work/refused-of" 2>/dev/null)" = "$sources" ] || : >"$work/refused"
  echo "$sources" >"$work/refused-of"
  for round in 1 2 3 4 5 6; do
    plant "$@"
    echo "round $round: $(wc -l <"$work/chosen") faults planted, building" >&2
    if $swift build --package-path "$tree" --scratch-path "$work/build" --build-tests >"$work/log" 2>&1; then return; fi
    # Places where the compiler refuses what was planted; what it makes of a line may come out some lines on.
    awk -v tree="$tree/" '
      FNR == NR { split($1, part, ":"); planted[part[1], part[2]] = 1; next }
      / error: / {
        sub(tree, ""); sub(/^.*Sources\//, "Sources/"); split($0, part, ":")
        if (part[1] !~ /^Sources/) next
        for (line = part[2] + 0; line > 0; line--) if ((part[1], line) in planted) { print part[1] ":" line; break }
      }' "$work/chosen" "$work/log" | sort -u >"$work/new"
    [ -s "$work/new" ] || { grep -m 20 'error' "$work/log" >&2; echo "mutants.sh: the build fails for another reason; see $work/log" >&2; exit 1; }
    cat "$work/new" >>"$work/refused"
  done
  echo "mutants.sh: the build still fails; see $work/log" >&2
  exit 1
}

# Runs a suite with a fault, as a process that the shell becomes; its output is in $run.
become_run() {
  cd "$tree"
  exec env GI_MUTANT="$1" "$work/build/debug/gi-benchPackageTests.xctest" --testing-library swift-testing \
    --filter "$2/" >"$run" 2>&1
}

# How a suite takes a fault within seconds of processor time: the test that sees it, how the run ended, or nothing.
verdict() {
  local number=$1 suite=$2 limit=$3 pid status=0 ticks=0 idle=0 spent='' now seen
  : >"$run"
  (ulimit -t "$limit" && become_run "$number" "$suite") &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    # What waits for ever takes no processor time.
    if [ $((++ticks % 50)) = 0 ]; then
      now=$(cut -d' ' -f14,15 "/proc/$pid/stat" 2>/dev/null || true)
      [ "$now" = "$spent" ] && idle=$((idle + 1)) || idle=0
      spent=$now
    fi
    # One test that fails is enough.
    if grep -q 'recorded an issue' "$run" || [ $idle = 6 ]; then
      kill -9 "$pid" 2>/dev/null || true
      break
    fi
    sleep 0.1
  done
  wait "$pid" 2>/dev/null || status=$?
  seen=$(grep -m 1 -o '.*recorded an issue' "$run" | sed 's/^[^A-Za-z]*//; s/ recorded an issue$//' || true)
  if [ -n "$seen" ]; then
    echo "seen by ${seen#Test }"
  elif [ $idle = 6 ]; then
    echo "seen: $suite does not end"
  elif [ "$status" = 152 ] || [ "$status" = 137 ]; then
    echo "seen: $suite takes more than $limit s"
  elif [ "$status" = 143 ] || [ "$status" = 130 ] || [ "$status" = 129 ]; then
    # Somebody else has ended it, which says nothing.
    verdict "$number" "$suite" "$limit"
  elif [ "$status" != 0 ]; then
    echo "seen: $suite ends with status $status"
  fi
}

# Which faults each suite comes by, and the processor time it takes: $work/suites has "SECONDS SUITE", $work/reach "NUMBER SUITE".
survey() {
  local suite seconds
  touch "$work/suites" "$work/reach"
  "$work/build/debug/gi-benchPackageTests.xctest" --testing-library swift-testing --list-tests 2>/dev/null |
    sed -n 's|^\([A-Za-z0-9]*\.[A-Za-z0-9]*\)/.*|\1|p' | sort -u >"$work/names"
  while read -r suite; do
    # What is known of a suite stays, if it is not among those that have changed.
    if [ -n "${SUITES:-}" ] && ! [[ " $SUITES " == *" ${suite#*.} "* ]] && grep -q " $suite$" "$work/suites"; then continue; fi
    sed -i "/ $suite$/d" "$work/suites" "$work/reach"
    rm -f "$work/reached"
    TIMEFORMAT='%U %S'
    # The braces keep the shell that takes the time from becoming the run itself.
    seconds=$({ time { (export GI_REACHED=$work/reached; become_run 0 "$suite") </dev/null; }; } 2>&1) || {
      echo "mutants.sh: $suite fails without a fault; see $run" >&2
      exit 1
    }
    echo "$seconds $suite" | awk '{ printf "%.1f %s\n", $1 + $2, $3 }' >>"$work/suites"
    [ ! -e "$work/reached" ] || sort -un "$work/reached" | sed "s|\$| $suite|" >>"$work/reach"
  done <"$work/names"
  sort -n -o "$work/suites" "$work/suites"
  awk -v n="$(wc -l <"$work/suites")" '{ t += $1 } END { printf "%d suites take %.0f s of processor time without a fault\n", n, t }' "$work/suites" >&2
}

# The verdict on a fault at a place by all suites that come by it, those of its room's own tests first.
try_all() {
  local seconds suite result reached=0 own
  own=$(tests_of "$(cut -d/ -f2 <<<"$2")")
  while read -r seconds suite; do
    grep -qx "$1 $suite" "$work/reach" || continue
    reached=1
    result=$(verdict "$1" "$suite" "$(awk -v t="$seconds" 'BEGIN { printf "%d", 4 * t + 10 }')" </dev/null)
    if [ -n "$result" ]; then echo "$result"; return; fi
  done < <(awk -v own="$own." 'index($2, own) == 1' "$work/suites"; awk -v own="$own." 'index($2, own) != 1' "$work/suites")
  [ $reached = 1 ] && echo 'NOT SEEN' || echo 'NOT REACHED'
}

# Whichever of the wanted faults nobody else has begun with.
judge() {
  local place number kind result line
  run=$work/run-$1
  while read -r place number kind; do
    wanted "$number" && mkdir "$work/begun/$number" 2>/dev/null || continue
    result=$(try_all "$number" "$place")
    line=$(sed -n "${number}p" "$work/lines")
    {
      flock 9
      sed -i "/^$number\t/d" "$work/report.txt"
      printf '%s\t%s\t%s\t%s\t%s\n' "$number" "$result" "$kind" "$place" "$line" | tee -a "$work/report.txt"
    } 9>"$work/lock"
  done <"$work/chosen"
}

wanted() {
  local part
  if [ -z "${ONLY:-}" ]; then
    ! grep -q "^$1	" "$work/report.txt"
    return
  fi
  for part in $ONLY; do
    if [ "$1" -ge "${part%-*}" ] && [ "$1" -le "${part#*-}" ]; then return 0; fi
  done
  return 1
}

# Leaves in the report what was seen, or cannot be.
forget_survivors() {
  awk -F '\t' -v explained="$here/explained.txt" '
    BEGIN { while ((getline line < explained) > 0) { split(line, part, "\t"); known[part[1] "\t" part[2] "\t" part[3]] = 1 } }
    { place = $4; sub(/:[0-9]*$/, "", place) }
    $2 !~ /^NOT/ || (place "\t" $3 "\t" $5) in known' "$work/report.txt" >"$work/kept"
  mv "$work/kept" "$work/report.txt"
}

mkdir -p "$tree"
touch "$work/report.txt" "$work/state"
# Pages may change meanwhile.
digest() { (cd "$root" && find "$@" -type f ! -name '*.md' | sort | xargs cat | sha256sum | cut -c1-32); }
sources="$count $* $(digest Sources Package.swift Tests/Mutants/plant.awk Tests/Mutants/switch.c)"
state="$sources $(digest $(for room in "$@"; do echo "Tests/$(tests_of "$room")"; done | sort -u))"
if [ "$(cat "$work/state")" != "$state" ]; then
  case $(cat "$work/state") in "$sources "*) forget_survivors ;; *) : >"$work/report.txt" ;; esac
  build "$@"
  survey
  echo "$state" >"$work/state"
fi
rm -rf "$work/begun"
mkdir "$work/begun"
for ((job = 0; job < jobs; job++)); do judge $job & done
wait
echo
awk -F '\t' -v explained="$here/explained.txt" '
  BEGIN { while ((getline line < explained) > 0) { split(line, part, "\t"); reason[part[1] "\t" part[2] "\t" part[3]] = part[4] } }
  {
    n++
    sub(/:[0-9]*$/, "", $4)
    if ($2 !~ /^NOT/) { seen++; next }
    why = reason[$4 "\t" $3 "\t" $5]
    if (why != "") { known++; print $1, $4 ": " $5 "\n    explained: " why } else print $1, $2, $3, $4 ": " $5
  }
  END { printf "%d faults: %d seen, %d explained, %d not seen\n", n, seen, known, n - seen - known }' "$work/report.txt"
