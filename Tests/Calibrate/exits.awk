# Reduces the kernel's trace of exits to a line for each that the program is about: hypercalls, ports, stores outside
# the guest's own memory; stores to consecutive pages of the area as one line. Reads the trace events kvm_exit,
# kvm_page_fault and kvm_hypercall.

function number(text,    value, i) {
  value = 0
  text = tolower(text)
  sub(/^0x/, "", text)
  for (i = 1; i <= length(text); i++) value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
  return value
}

function end_run() {
  if (run) printf "%s area pages %d to %d\n", run, first, last
  run = ""
}

function say(text) {
  end_run()
  print text
}

# What was refused, from the error code of a nested page fault (AMD) or the qualification of an EPT violation (Intel).
function kind_of(fault,    low) {
  low = number(substr(fault, length(fault) - 1))
  if (reason == "npf") return (int(low / 2) % 2 ? "write" : "other") (low % 2 ? " present" : " absent")
  return (int(low / 2) % 2 ? "write" : "other") (int(low / 8) % 8 ? " present" : " absent")
}

{
  for (i = 1; i < NF; i++) {
    if ($i == "reason") reason = $(i + 1)
    if ($i == "info1") info1 = $(i + 1)
    if ($i == "nr") call = $(i + 1)
    if ($i == "address") address = $(i + 1)
    if ($i == "error_code") fault = $(i + 1)
  }
}

/^kvm_hypercall:/ { say("hypercall " call) }

# Port in bits 31:16, on either.
/^kvm_exit:/ && (reason == "io" || reason == "IO_INSTRUCTION") {
  say("port 0x" substr(info1, length(info1) - 5, 2))
}

/^kvm_exit:/ && reason == "EPT_MISCONFIG" { say("EPT misconfiguration") }

/^kvm_page_fault:/ {
  place = number(address)
  if (place < 268435456) next
  kind = kind_of(fault)
  if (place >= 536870912) { say(kind " gpa " sprintf("0x%x", place)); next }
  page = int((place - 268435456) / 4096)
  if (run == kind && page == last + 1) { last = page; next }
  end_run()
  run = kind
  first = last = page
}

END { end_run() }
