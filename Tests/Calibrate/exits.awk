# Reduces the kernel's trace of exits to what is told by the program: a line for each, runs of pages of the area as one.
# Left out are what building the guest's own translations takes, and how KVM replaces VMCALL by VMMCALL on AMD.

function number(text,    value, i) {
  value = 0
  text = tolower(text)
  sub(/^0x/, "", text)
  for (i = 1; i <= length(text); i++) value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
  return value
}

# Ends a run of pages.
function flush_run() {
  if (run) printf "%s area pages %d to %d\n", run, first, last
  run = ""
}

function say(text) {
  flush_run()
  print text
}

{
  for (i = 1; i <= NF; i++) {
    if ($i == "kvm_hypercall:") hypercall = 1
    if ($i == "reason") reason = $(i + 1)
    if ($i == "info1") info1 = $(i + 1)
    if ($i == "info2") info2 = $(i + 1)
    if ($i == "nr") call = $(i + 1)
  }
}

/kvm_hypercall:/ { say("hypercall " call); next }
/kvm_exit:/ && reason == "io" { say("io port 0x" substr(info1, length(info1) - 5, 2)); next }

# A write that met no translation, or one that forbids it (bit 0 of the error code); the page is data, not a page table (bit 32).
/kvm_exit:/ && reason == "npf" {
  place = number(info2)
  if (place < 268435456) next
  kind = "npf write " (number(substr(info1, length(info1))) % 2 ? "present" : "absent")
  page = int((place - 268435456) / 4096)
  if (place >= 536870912) { say(kind " gpa 0x" sprintf("%x", place)); next }
  if (run == kind && page == last + 1) { last = page; next }
  flush_run()
  run = kind
  first = last = page
  next
}
/kvm_exit:/ && reason != "hypercall" && reason != "UD" && reason != "interrupt" { say("exit " reason) }

END { flush_run() }
