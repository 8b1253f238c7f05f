#!/usr/bin/env bash
# The second judge: random scripts of the walk protocol, answered by gi-bench and by VMX instructions on Bochs, and compared.
# What `make judge` runs, after it has installed and built what this needs. The last line counts queries and differences.
#
#   SECONDS_OF_CPU   rounds go on until Bochs has taken so many (20)
#   SEED             what the first round's random numbers start from; by default another in each run
#   ONLY             no rounds, but these scenarios: KIND:SEED, more than one with commas
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
programs=$here/../../.build/debug
seconds=${SECONDS_OF_CPU:-20}
seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
only=${ONLY:-}
for number in "$seconds" "$seed"; do
  [[ $number =~ ^[0-9]{1,18}$ ]] || { echo "judge: '$number' is no number; expected SECONDS=n and SEED=n in decimal" >&2; exit 64; }
done

work=$(mktemp -d)
bochs=
finish() {
  [ -z "$bochs" ] || kill "$bochs" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs the image on a script: run_image SCRIPT ANSWERS PROCESSOR. A run that does not end by itself is ended after five minutes.
run_image() {
  mkdir -p "$work/iso/boot/grub"
  cp "$here/grub.cfg" "$work/iso/boot/grub/"
  cp "$work/image.elf" "$1" "$work/iso/boot/"
  mv "$work/iso/boot/$(basename "$1")" "$work/iso/boot/script"
  local modules="multiboot normal part_msdos iso9660 biosdisk"
  grub-mkrescue -o "$work/judge.iso" "$work/iso" --modules="$modules" --install-modules="$modules" --fonts= --locales= --themes= \
    --compress=no >"$work/mkrescue.log" 2>&1 || { cat "$work/mkrescue.log" >&2; exit 1; }
  # Debian's Bochs begins in its debugger, which takes the one command there is to continue.
  echo c >"$work/commands"
  sed "s/@PROCESSOR@/$3/" "$here/bochsrc" >"$work/bochsrc"
  (cd "$work" && exec timeout -k 5 300 bochs -q -f bochsrc -rc commands) </dev/null >"$2" 2>"$work/bochs.errors" &
  bochs=$!
  # Bochs leaves by the shutdown port with status 1, so the answers' last line tells whether it came to its end.
  wait "$bochs" || true
  bochs=
  grep -qa '^# end ' "$2" || { echo "judge: the image did not come to its end; what Bochs says:" >&2
    tail -n 5 "$work/bochs.errors" "$work/bochs.log" >&2 || true; }
}

# Sets `taken` to the seconds of CPU that this script's children have taken so far. In a subshell there would be none.
taken=0
measure() {
  times >"$work/times"
  taken=$(awk 'NR == 2 { split($1, t, /[ms]/); print int(t[1] * 60 + t[2]) }' "$work/times")
}

"$here/Image/build.sh" "$work/objects"
mv "$work/objects/image.elf" "$work/image.elf"
rounds=()
while [ ${#rounds[@]} = 0 ] || { [ -z "$only" ] && [ "$taken" -lt "$seconds" ]; }; do
  round=$work/round${#rounds[@]}
  request=(--seed "$seed" --round ${#rounds[@]})
  [ -z "$only" ] || request=(--only "$only")
  processor=$("$programs/judge" generate "${request[@]}" --processor)
  "$programs/judge" generate "${request[@]}" >"$round.script"
  [ -n "$only" ] || echo "judge: round ${#rounds[@]}, seed $seed, $processor"
  run_image "$round.script" "$round.theirs" "$processor"
  "$programs/judge" render "$round.script" >"$round.walk"
  "$programs/gi-bench" walk --script "$round.walk" >"$round.ours"
  rounds+=("$round")
  seed=$((seed + 1000000))
  measure
done
echo "judge: $taken s of CPU"
"$programs/judge" compare "${rounds[@]}"
