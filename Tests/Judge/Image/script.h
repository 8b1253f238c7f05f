// Walk-protocol lines, as far as the processor can do what they ask.
#pragma once

// Serves one line: the characters from `line` to before `end`.
void script_line(const char *line, const char *end);
