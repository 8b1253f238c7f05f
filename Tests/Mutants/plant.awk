# Finds where single faults can be planted in Swift sources, and plants them: each behind a question to one switch,
# `mutant(n) ? faulty : right`, so that one build holds them all.
#
#   awk -v mode=list -f plant.awk FILE…                    one line a place: FILE:LINE KIND
#   awk -v mode=plant -v chosen=LIST -f plant.awk FILE     the source with the places of LIST planted (FILE:LINE NUMBER KIND)
#
# A line holds one fault at most, of the kind that the file has had least often so far.

BEGIN {
  if (mode == "plant") {
    while ((getline line < chosen) > 0) {
      split(line, part, " ")
      number[part[1]] = part[2]
      kindOf[part[1]] = part[3]
    }
  }
  kinds = split("drop-call drop-guard drop-condition bound operator mask shift step result", order, " ")
}

FNR == 1 { split("", used); inComment = 0 }

{
  source = $0
  here = FILENAME ":" FNR
  if (mode == "plant") {
    print here in number ? faulty(source, kindOf[here], number[here]) : source
    next
  }
  best = ""
  if (isCode(source)) {
    for (index_ = 1; index_ <= kinds; index_++) {
      kind = order[index_]
      if (faulty(source, kind, 0) != source && (best == "" || used[kind] < used[best])) best = kind
    }
  }
  if (best != "") {
    used[best]++
    print here, best
  }
}

# Comments, texts, declarations and patterns hold no faults.
function isCode(line) {
  if (line ~ /^ *\/\// || line ~ /"/ || line ~ /^ *(@|import|case .*[^:]$|static let|precondition|assert|fatalError)/) return 0
  return line !~ /mutant\(/
}

# The line with a fault of a kind behind question n; the line itself if there is no place for one.
function faulty(line, kind, n,   head, body, tail, at) {
  if (kind == "drop-call") {
    at = match(line, /^ *((case [^:]*|default): )?/)
    head = substr(line, 1, RLENGTH)
    body = substr(line, RLENGTH + 1)
    if (!match(body, /^(try )?[A-Za-z_][A-Za-z0-9_.\[\]]*\(/) || !isWhole(substr(body, RLENGTH))) return line
    if (body !~ /^(try )?([A-Za-z0-9_\[\]]+\.)*(drop|flush|pass[A-Z]|invalidate|invept|invvpid|settle|publish|store|remember|forget|insert|append|remove|write|raise|shootdown|clear|fence|begin|end|note|set|advance|free|zero|retire|recycle)[A-Za-z]*\(/) return line
    return head "if !mutant(" n ") { " body " }"
  }
  if (kind == "drop-guard") {
    if (!match(line, /^ *guard /)) return line
    head = substr(line, 1, RLENGTH)
    body = substr(line, RLENGTH + 1)
    at = index(body, " else {")
    if (!at) return line
    tail = substr(body, at)
    return clause(line, head, substr(body, 1, at - 1), tail, n, "true")
  }
  if (kind == "drop-condition") {
    if (!match(line, /^ *(\} else )?if /)) return line
    head = substr(line, 1, RLENGTH)
    body = substr(line, RLENGTH + 1)
    at = index(body, " {")
    if (!at) return line
    tail = substr(body, at)
    return clause(line, head, substr(body, 1, at - 1), tail, n, "false")
  }
  if (kind == "bound") {
    if (line ~ /^ *(func|public func|package func|init|struct|extension)/) return line
    if (!match(line, /(^| |\()[A-Za-z0-9_.]+ (<|>|<=|>=|==|!=) [A-Za-z0-9_.]+($|\)| else| \{|,| \?| &&| \|\|)/)) return line
    head = substr(line, 1, RSTART - 1)
    body = substr(line, RSTART, RLENGTH)
    tail = substr(line, RSTART + RLENGTH)
    if (head !~ /(^| )(return|if|guard|while|where|=|&&|\|\||\?|,|\(|in)$/ && body !~ /^\(/ && head !~ /^ *$/) return line
    return comparison(head, body, tail, n)
  }
  if (kind == "operator") {
    if (!match(line, / && | \|\| /) || line ~ /->/) return line
    tail = substr(line, RSTART + RLENGTH)
    if (tail ~ / && | \|\| / || line !~ /^ *(return )?[^{}=?]+$/ || line ~ /^ *(if|guard|while|else|&&|\|\|)/ || line ~ /(,|\()$/ || !balanced(line)) return line
    match(line, /^ *(return )?/)
    head = substr(line, 1, RLENGTH)
    body = substr(line, RLENGTH + 1)
    tail = body
    if (!sub(/ && /, " \001 ", tail)) sub(/ \|\| /, " \\&\\& ", tail)
    sub(/\001/, "||", tail)
    return head "mutant(" n ") ? (" tail ") : (" body ")"
  }
  if (kind == "mask") {
    if (!match(line, /[&|^] ~?0x[0-9a-f_]+/) || line ~ /\.\.\./) return line
    head = substr(line, 1, RSTART - 1)
    body = substr(line, RSTART, RLENGTH)
    tail = substr(line, RSTART + RLENGTH)
    at = index(body, "0x")
    return head substr(body, 1, at - 1) "(mutant(" n ") ? " other(substr(body, at)) " : " substr(body, at) ")" tail
  }
  if (kind == "shift") {
    if (!match(line, /(<<|>>) [0-9]+/)) return line
    head = substr(line, 1, RSTART + 2)
    body = substr(line, RSTART + 3, RLENGTH - 3)
    tail = substr(line, RSTART + RLENGTH)
    return head "(mutant(" n ") ? " (body + 1) " : " body ")" tail
  }
  if (kind == "step") {
    if (!match(line, / &?[+-] 1($|[^0-9_x.])/)) return line
    body = substr(line, RSTART, RLENGTH)
    at = index(body, "1")
    return substr(line, 1, RSTART - 1) substr(body, 1, at - 1) "(mutant(" n ") ? 0 : 1)" substr(body, at + 1) \
      substr(line, RSTART + RLENGTH)
  }
  if (kind == "result") {
    body = line
    if (line ~ /return true($| )/) sub(/return true/, "return !mutant(" n ")", body)
    else if (line ~ /return false($| )/) sub(/return false/, "return mutant(" n ")", body)
    return body
  }
  return line
}

# One clause of a condition, the last that binds nothing, replaced by what drops it.
function clause(line, head, condition, tail, n, verdict,   depth, at, character, parts, part, count, chosenPart, text) {
  count = 1
  split("", parts)
  depth = 0
  for (at = 1; at <= length(condition); at++) {
    character = substr(condition, at, 1)
    if (character ~ /[(\[{]/) depth++
    if (character ~ /[)\]}]/) depth--
    if (depth == 0 && substr(condition, at, 2) == ", ") {
      count++
      at++
      continue
    }
    parts[count] = parts[count] character
  }
  if (depth != 0) return line
  for (part = 1; part <= count; part++)
    if (parts[part] !~ /^(let|var|case|#)/ && parts[part] !~ /(try|await|[{}]|\$0)/) chosenPart = part
  if (!chosenPart) return line
  for (part = 1; part <= count; part++) {
    character = part == chosenPart ? "(mutant(" n ") ? " verdict " : (" parts[part] "))" : parts[part]
    text = text (part > 1 ? ", " : "") character
  }
  return head text tail
}

function comparison(head, body, tail, n,   lead, end, core, op, wrong) {
  match(body, /^[ (]*/)
  lead = substr(body, 1, RLENGTH)
  body = substr(body, RLENGTH + 1)
  match(body, /(\)| else| \{|,| \?| &&| \|\|)$/)
  end = RSTART ? substr(body, RSTART) : ""
  core = RSTART ? substr(body, 1, RSTART - 1) : body
  split(core, operand, " ")
  op = operand[2]
  wrong = op == "<" ? "<=" : op == ">" ? ">=" : op == "<=" ? "<" : op == ">=" ? ">" : op == "==" ? "!=" : "=="
  if (operand[1] == "nil" || operand[3] == "nil") return head lead core end tail
  return head lead "(mutant(" n ") ? " operand[1] " " wrong " " operand[3] " : " core ")" end tail
}

# A mask with one bit less or more.
function other(mask,   digit, at) {
  digit = substr(mask, 3, 1)
  at = index("0123456789abcdef", digit)
  return "0x" substr("1032547698badcfe", at, 1) substr(mask, 4)
}

# Whether a parenthesis closes at the very end of the text that begins with it.
function isWhole(text,   at, depth, character) {
  for (at = 1; at <= length(text); at++) {
    character = substr(text, at, 1)
    if (character ~ /[(\[{]/) depth++
    if (character ~ /[)\]}]/) depth--
    if (depth == 0) return at == length(text)
  }
  return 0
}

function balanced(text,   at, depth, character) {
  for (at = 1; at <= length(text); at++) {
    character = substr(text, at, 1)
    if (character ~ /[(\[{]/) depth++
    if (character ~ /[)\]}]/) depth--
    if (depth < 0) return 0
  }
  return depth == 0
}
