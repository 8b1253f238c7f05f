#!/usr/bin/env bash
# Ends the recorder at random moments: interrupt.sh ROUNDS [SEED]
#
# Needs neither root nor QEMU: the emulator and the converter are stand-ins that take their time, and everything from the
# recording to the trace is the recorder's own. A signal goes to the script alone, as kill sends it, or to all that it
# started, as a terminal does. Afterwards, under every name stands what stood there or the whole; nothing runs on; and nothing
# lies beside it unless the signal was one that nobody can catch.
set -uo pipefail
export LC_ALL=C

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROUNDS=${1:-40} RANDOM=${2:-1}
BOX=$(mktemp -d)
trap 'rm -rf "$BOX"' EXIT
failed=0 before=0 whole=0

mkdir -p "$BOX"/{bin,work/root/usr/bin,out,recorder}
cp "$HERE"/*.{sh,awk,txt} "$BOX/recorder/"
cp -r "$HERE/workloads" "$BOX/recorder/"
printf '1000 8 start_kernel T ffffffff81001000\n' >"$BOX/work/symbols"
: >"$BOX/work/packages.tsv"
# A stream and a console that come bit by bit.
cat >"$BOX/work/root/usr/bin/qemu-system-x86_64" <<'END'
#!/usr/bin/env bash
for argument; do
  [[ $argument != --version ]] || { echo 'QEMU emulator version 10.0.2'; exit; }
  [[ $argument != file:* ]] || console=${argument#file:}
done
: >"$console"
for part in 1 2 3 4 5 6; do
  printf 'part %s of the stream\n' $part >&3
  sleep 0.02
done
sleep "${GUEST_RUNS:-0}"
echo 'gi: region reboot: Power down' >"$console"
END
# A converter that is whole or not, as gi-bench is.
cat >"$BOX/gi-bench" <<'END'
#!/usr/bin/env bash
while (($# > 1)); do shift; done
stream=$(cat) && sleep 0.02
[[ $stream == *'part 6 of'* ]] || exit 1
trap '' INT TERM HUP
echo "$stream" >"$1.new" && mv "$1.new" "$1"
END
echo 'exit 0' >"$BOX/bin/swift"
# A description that takes a moment.
cat >"$BOX/bin/awk" <<END
#!/usr/bin/env bash
[[ "\$*" == *describe.awk* ]] || exec $(type -P awk) "\$@"
text=\$($(type -P awk) "\$@") || exit
head -c 50 <<<"\$text"
sleep 0.05
tail -c +51 <<<"\$text"
END
chmod +x "$BOX/work/root/usr/bin/qemu-system-x86_64" "$BOX/gi-bench" "$BOX"/bin/*
mkdir -p "$BOX/.build/debug"
mv "$BOX/gi-bench" "$BOX/.build/debug/"
# The recorder finds the checkout two folders above itself.
mkdir -p "$BOX/traces"
mv "$BOX/recorder" "$BOX/traces/"

# The recorder, in a session of its own whose number is its process; a shell starts what is in the background deaf to SIGINT, and nohup to SIGHUP.
recorder() {
  cd "$BOX" && PATH=$BOX/bin:$PATH WORK=$BOX/work OUTPUT=$BOX/out FREE_MIB=1 exec env --default-signal setsid bash -c "
    set -- boot
    . '$BOX/traces/recorder/record.sh'
    KERNEL_FOLDER=\$WORK VMLINUX=none SYMBOLS=\$WORK/symbols RELEASE=6.1.0-test KERNEL_PACKAGE=test HEADERS=none
    : >\$WORK/boot.touched
    record && describe && convert" >"$BOX/said" 2>&1
}

# ended SESSION WHAT: nothing of it runs, after a moment.
ended() {
  local tenths running
  for ((tenths = 0; tenths < 50; tenths++)); do
    [[ $(pgrep -s "$1") ]] || return
    sleep 0.1
  done
  running=$(pgrep -l -s "$1" | cut -d' ' -f2 | sort -u | tr '\n' ' ')
  echo "not ok: $2: $running run on"
  failed=$((failed + 1))
  pkill -KILL -s "$1"
}

# A guest that would run for a minute ends with the recorder, whoever sends which signal to whom.
for signal in TERM INT HUP; do
  for target in script all; do
    (GUEST_RUNS=60 recorder) &
    process=$!
    sleep 1
    kill -s "$signal" -- "$([[ $target == all ]] && echo "-")$process"
    ended "$process" "SIG$signal to $target in a long recording"
    wait "$process" 2>/dev/null
    beside=$(compgen -G "$BOX/work/*.part") && { echo "not ok: SIG$signal to $target left $beside"; failed=$((failed + 1)); }
  done
done

readonly NAMES="work/boot.raw.zst work/boot.json out/boot.trace"
start=${EPOCHREALTIME/./}
(recorder)
takes=$((${EPOCHREALTIME/./} - start))
for name in $NAMES; do
  [[ -s $BOX/$name ]] || { cat "$BOX/said"; echo "interrupt.sh: without a signal there is no $name" >&2; exit 1; }
  cp "$BOX/$name" "$BOX/${name##*/}.whole"
done

for ((round = 1; round <= ROUNDS; round++)); do
  for name in $NAMES; do echo "what was there" >"$BOX/$name"; done
  signals=(TERM INT HUP KILL)
  signal=${signals[RANDOM % 4]}
  target=$((RANDOM % 2))
  moment=$(((RANDOM * 32768 + RANDOM) % (takes * 11 / 10)))
  (recorder) &
  process=$!
  sleep "$((moment / 1000000)).$(printf %06d $((moment % 1000000)))"
  # A process that starts a session as its first is its leader.
  if ((target)); then kill -s "$signal" -- "-$process" 2>/dev/null; else kill -s "$signal" "$process" 2>/dev/null; fi
  wait "$process" 2>/dev/null
  what="round $round: SIG$signal to $( ((target)) && echo all || echo the script) after $moment us"
  ended "$process" "$what"
  for name in $NAMES; do
    if cmp -s "$BOX/$name" "$BOX/${name##*/}.whole"; then
      whole=$((whole + 1))
    # An earlier description goes before another stream comes.
    elif [[ $(cat "$BOX/$name" 2>/dev/null) == "what was there" || ($name == *.json && ! -e $BOX/$name) ]]; then
      before=$((before + 1))
    else
      echo "not ok: $what: $name is neither what was there nor whole"
      failed=$((failed + 1))
    fi
  done
  beside=$(compgen -G "$BOX/work/*.part"; compgen -G "$BOX/out/*.new")
  [[ ! $beside || $signal == KILL ]] || { echo "not ok: $what: left $beside"; failed=$((failed + 1)); }
  rm -f "$BOX"/work/*.part "$BOX"/out/*.new
done
echo "$ROUNDS signals: $before files as before, $whole whole, $failed failures"
((failed == 0 && (ROUNDS < 20 || (before > 0 && whole > 0))))
