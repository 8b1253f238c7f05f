# Turns /proc/kallsyms into "gpa bytes name type address", sorted by address, for the kernel image.
# A symbol ends where the next address begins. Input must be sorted by address.
function number(hex, i, value) {
  for (i = 1; i <= length(hex); i++) value = value * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
  return value
}
function flush(end, i) {
  for (i = 1; i <= held; i++) print at, end - at, names[i], types[i], address
  held = 0
}
/^ffffffff[89ab]/ && NF == 3 {
  gpa = number(substr($1, 9)) - 2147483648
  if (held && gpa != at) flush(gpa)
  at = gpa
  address = $1
  names[++held] = $3
  types[held] = $2
}
END { flush(at) }
