#!/bin/sh
# Asks bash, zsh and fish themselves what they complete, in the documented default form and behind subcommands.
#
#   completions-test.sh FOLDER
set -eu
folder=$(cd "$1" && pwd)
failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
touch "$scratch/quick.trace" "$scratch/other.json"
cd "$scratch"

bash_says() {
  bash --norc -c '
    source "$1/gi-bench.bash"
    read -ra COMP_WORDS <<<"$2"
    [[ "$2" == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9
    _gi-bench_default gi-bench "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf "%s\n" "${COMPREPLY[@]}"' bash "$folder" "$1"
}

fish_says() { fish --no-config -c "source $folder/gi-bench.fish; complete -C '$1'" | cut -f 1; }

# A terminal of its own; what the completion system would insert is printed instead.
zsh_says() {
  zsh -f -c '
    zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z "PS1=; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -d $3/dump"
    zpty -w z "compadd() { local -a found; builtin compadd -O found \"\$@\"; print -l -- \"<<\${^found}>>\"; builtin compadd \"\$@\" }"
    zpty -w z "bindkey \"^I\" complete-word; zle -C complete-word complete-word _main_complete; zstyle \":completion:*\" verbose no; echo READY"
    while zpty -r z line; do [[ $line == *READY* && $line != *echo* ]] && break; done
    zpty -n -w z "$2"$'"'\\t'"'
    sleep 1
    zpty -w z ""
    while zpty -r -t z line; do print -r -- "$line"; done' zsh "$folder" "$1" "$scratch" 2>/dev/null |
    grep -o '<<[^>]*>>' | tr -d '<>' | sed 's/\[.*//'
}

expect() { # $1: the line, $2: what must be among the answers
  for shell in bash fish zsh; do
    command -v "$shell" >/dev/null || { echo "$shell: not installed, so not tried" >&2; failed=1; continue; }
    if "${shell}_says" "$1" | grep -qxF -e "$2"; then
      echo "$shell: '$1' offers $2"
    else
      echo "$shell: '$1' does not offer $2, but: $("${shell}_says" "$1" | head -n 5 | tr '\n' ' ')" >&2
      failed=1
    fi
  done
}

expect 'gi-bench quick.trace --st' --strategy
expect 'gi-bench quick.trace --strategy vmf' vmfunc
expect 'gi-bench --st' --strategy
expect 'gi-bench run quick.trace --pro' --profile
expect 'gi-bench run quick.trace --profile sky' skylake-sp
expect 'gi-bench comp' compare
expect 'gi-bench trace ge' generate
expect 'gi-bench trace generate --wo' --workload
expect 'gi-bench strategy show ep' eptp-exit
exit "$failed"
