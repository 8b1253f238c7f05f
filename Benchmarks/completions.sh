#!/bin/sh
# Writes completions for bash, zsh and fish. The parser's scripts know subcommands only; in the default form, a trace or an option
# of `run` comes first, so that a first word that is no subcommand is completed as if `run` stood before it.
#
#   completions.sh GI_BENCH FOLDER
set -eu
gi_bench=$1 folder=$2
mkdir -p "$folder"
names=$("$gi_bench" --generate-completion-script bash | sed -n "s/.*compgen -W '\(run [a-z -]*\)'.*/\1/p" | head -n 1)
test -n "$names" || { echo "completions.sh: the parser's script for bash names no subcommands" >&2; exit 1; }
either=$(echo "$names --version --help -h" | tr ' ' '|')

{
  "$gi_bench" --generate-completion-script bash | sed '/^complete /d'
  cat <<BASH
_gi-bench_default() {
    case "\${COMP_WORDS[1]}" in
    $either) ;;
    *)
        if ((COMP_CWORD > 1)) || [[ "\${COMP_WORDS[1]}" == -* ]]; then
            COMP_WORDS=("\${COMP_WORDS[0]}" run "\${COMP_WORDS[@]:1}")
            COMP_CWORD=\$((COMP_CWORD + 1))
        fi
        ;;
    esac
    _gi-bench "\$@"
}

complete -o default -o filenames -F _gi-bench_default gi-bench
BASH
} >"$folder/gi-bench.bash"

"$gi_bench" --generate-completion-script zsh | awk -v either="$either" '
  { print }
  $0 == "_gi-bench() {" {
    print "    if [[ \"${words[2]}\" != (" either ") ]] && { ((CURRENT > 2)) || [[ \"${words[2]}\" == -* ]]; }; then"
    print "        words=(\"${words[1]}\" run \"${(@)words[2,-1]}\")"
    print "        ((CURRENT++))"
    print "    fi"
    found = 1
  }
  END { if (!found) exit 1 }' >"$folder/_gi-bench"

"$gi_bench" --generate-completion-script fish | awk -v names="$names" '
  { print }
  /set -l unparsed_tokens \(__gi-bench_tokens -pc\)/ {
    print "    if begin; test (count $unparsed_tokens) -gt 1; or string match -q -- \"-*\" (commandline -ct); end"
    print "        and not contains -- $unparsed_tokens[2] " names " --version --help -h"
    print "        set unparsed_tokens $unparsed_tokens[1] run $unparsed_tokens[2..]"
    print "    end"
    found = 1
  }
  END { if (!found) exit 1 }' >"$folder/gi-bench.fish"
