# Writes the description of a recording as JSON. Variables: title, workload, replicate, rate, accesses (the mark from which
# they are recorded, or nothing), kernel, kernel_package, cmdline, ram, vcpus, qemu, flags. Files, each after an assignment of `part`: packages, limits, phases,
# touched (guest pages written after the kernel protected itself), symbols, log.
function text(s) {
  gsub(/\\/, "\\\\", s)
  gsub(/"/, "\\\"", s)
  return "\"" s "\""
}
function number(hex, i, value) {
  sub(/^0x/, "", hex)
  for (i = 1; i <= length(hex); i++) value = value * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
  return sprintf("%.0f", value)
}
# The value of "key=value" in the current line.
function field(key, i, pair) {
  for (i = 1; i <= NF; i++) {
    split($i, pair, "=")
    if (pair[1] == key) return substr($i, length(key) + 2)
  }
}
function list(items, count, i, s) {
  for (i = 1; i <= count; i++) s = s (i > 1 ? ",\n    " : "\n    ") items[i]
  return "[" s "\n  ]"
}
function region(id, name, gpa, bytes) {
  regions[++region_count] = sprintf("{\"id\":%d,\"name\":%s,\"gpa\":%s,\"bytes\":%s}", id, text(name), gpa, bytes)
}
function mark(id, name) {
  if (id == accesses) accesses_from = name
  marks[++mark_count] = sprintf("{\"id\":%d,\"name\":%s}", id, text(name))
}
{ sub(/\r$/, "") }

part == "packages" {
  packages[++package_count] = \
    sprintf("{\"name\":%s,\"version\":%s,\"sha256\":%s}", text($1), text($2), text($3))
}
part == "limits" && NF { limits[++limit_count] = text($0) }
part == "phases" { mark($1, $3) }
part == "touched" { touched[number($1) / 4096] = 1 }
part == "symbols" {
  if ($3 == "init_cred") { credentials = $1; credentials_bytes = $2 }
  if ($3 == "modules") modules = $1
  last = int(($1 + ($2 > 0 ? $2 : 1) - 1) / 4096)
  for (page = int($1 / 4096); page <= last && page < int($1 / 4096) + 1024; page++) {
    if (page in touched) {
      symbols[++symbol_count] = sprintf("{\"name\":%s,\"gpa\":%s,\"size\":%s}", text($3), $1, $2)
      break
    }
  }
}
part == "log" && /gi: region / {
  region(field("id"), field("name"), number(field("gpa")), field("bytes"))
  known[field("name")] = 1
}
part == "log" && /^mark: / { mark(field("id"), field("name")) }
part == "log" && /rootkit: act / {
  name = field("name")
  if (field("kind") == "restore") name = "restore-" name
  mark_name = field("attack") " " name
  mark(field("mark"), mark_name)
  expected = field("expected")
  if (expected != "refused" && !(expected in known)) expected = "none" # nothing protects it in this recording
  truths[++truth_count] = \
    sprintf("{\"attack\":%s,\"act\":%s,\"kind\":%s,\"mark\":%s,\"gpa\":%s,\"bytes\":%d,\"expected\":%s}", \
            text(field("attack")), text(name), text(field("kind")), text(mark_name), number(field("gpa")), \
            field("bytes"), text(expected))
}

END {
  # Watched in every recording, to compare a page with exact bytes, though nothing protects them unless asked to.
  if (credentials && !("init_cred" in known)) region(13, "init_cred", credentials, credentials_bytes)
  if (modules && !("modules" in known)) region(14, "module-list-head", modules, 16)
  printf "{\n  \"title\": %s,\n", text(title)
  printf "  \"origin\": \"recorded\",\n"
  printf "  \"workload\": %s, \"replicate\": %d, \"instructions_per_second\": %.0f,\n", text(workload), replicate, rate
  if (accesses_from) printf "  \"accesses_from\": %s,\n", text(accesses_from)
  printf "  \"guest\": {\"kernel\":%s,\"kernel_package\":%s,\"command_line\":%s,\"ram_bytes\":%.0f,\"vcpus\":%d},\n", \
         text(kernel), text(kernel_package), text(cmdline), ram, vcpus
  printf "  \"recorder\": {\"name\":\"QEMU, TCG plugin\",\"version\":%s,\"flags\":%s,\"packages\": %s},\n", \
         text(qemu), text(flags), list(packages, package_count)
  printf "  \"notes\": %s,\n", list(limits, limit_count)
  printf "  \"marks\": %s,\n", list(marks, mark_count)
  printf "  \"regions\": %s,\n", list(regions, region_count)
  printf "  \"ground_truth\": %s,\n", list(truths, truth_count)
  printf "  \"symbols\": %s\n}\n", list(symbols, symbol_count)
}
