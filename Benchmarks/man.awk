# Makes the argument parser's manual a page as people know them: the default form in the synopsis, sections for exit status
# and examples, and examples of subcommands that keep their lines.
function escaped(line) { gsub(/\\/, "\\e", line); sub(/^\./, "\\\\\\&.", line); return line }
/^\.Sh SYNOPSIS/ {
  print
  print ".Nm\n.Op Cm run\n.Ar trace ...\n.Op Ar options\n.Nm\n.Ar subcommand\n.Op Ar options\n.Nm\n.Op Fl -version\n.Op Fl -help"
  skipping = 1
  next
}
/^\.Sh / { skipping = /EXIT STATUS/ }
skipping { next }
/^\.Bl / { depth++ }
/^EXAMPLES:/ {
  inside = 1
  if (depth) print ".Pp\nExamples:\n.Bd -literal -offset indent"
  next
}
inside && /^  / {
  if (depth) print escaped(substr($0, 3)); else examples = examples escaped(substr($0, 3)) "\n"
  next
}
inside {
  inside = 0
  if (depth) print ".Ed"
}
/^EXIT STATUS: / { status = substr($0, 14); next }
/^$/ { print ".Pp"; next }
{ print }
END {
  sub(/\.$/, "", status)
  print ".Sh EXIT STATUS\n.Bl -tag -width 6n"
  count = split(status, meanings, "; ")
  for (i = 1; i <= count; i++) print ".It " substr(meanings[i], 1, index(meanings[i], " ") - 1) "\n" substr(meanings[i], index(meanings[i], " ") + 1)
  print ".El\n.Sh EXAMPLES\n.Bd -literal -offset indent\n" examples ".Ed"
}
