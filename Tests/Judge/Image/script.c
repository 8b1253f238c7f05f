#include "script.h"

#include <stdint.h>

#include "area.h"
#include "console.h"
#include "layout.h"
#include "memory.h"
#include "query.h"
#include "sequence.h"
#include "vmx.h"

// What is left of the line.
static const char *at, *line_end;
static int line_number;
// `policy cache=` is not `none`: queries are steps of a sequence.
static int is_sequence;

struct word { char text[40]; };

static int is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// The next word, empty at the end of the line or at a comment.
static struct word next_word(void) {
  struct word word;
  unsigned length = 0;
  while (at < line_end && is_blank(*at)) at++;
  if (at < line_end && *at == '#') at = line_end;
  for (; at < line_end && !is_blank(*at) && *at != '#'; at++) {
    if (length < sizeof word.text - 1) word.text[length++] = *at;
  }
  word.text[length] = 0;
  return word;
}

static int is(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

static int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 32;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

// A number in the base, after 0x in hexadecimal.
static uint64_t number_of(const char *text, int base) {
  uint64_t value = 0;
  if (text[0] == '0' && (text[1] | 32) == 'x') text += 2, base = 16;
  for (; digit_of(*text) < base; text++) value = value * base + digit_of(*text);
  return value;
}

static uint64_t next_hex(void) { return number_of(next_word().text, 16); }

// Answers `ERR`.
static void fail(const char *why, const char *what) {
  put("ERR line ");
  put_decimal(line_number);
  put(": ");
  put(why);
  put(what);
  put_char('\n');
}

// A `key=value` of the line; `key` is empty after the last.
struct pair { struct word word; const char *key; uint64_t value; };

static void next_pair(struct pair *pair) {
  pair->word = next_word();
  pair->key = pair->word.text;
  pair->value = 0;
  for (char *c = pair->word.text; *c; c++) {
    if (*c != '=') continue;
    *c = 0;
    pair->value = number_of(c + 1, 10);
    return;
  }
}

struct setting { const char *key; int *place; int control; };

static void controls(void) {
  const struct setting settings[] = {
      {"spp", &machine.spp, 23}, {"ve", &machine.ve, 18}, {"pml", &machine.pml, 17}, {"vmfunc", &machine.vmfunc, 13},
      {"vmfctl", &machine.vmfctl, 13}};
  struct pair pair;
  for (next_pair(&pair); *pair.key; next_pair(&pair)) {
    int known = 0;
    for (unsigned i = 0; i < sizeof settings / sizeof *settings; i++) {
      if (!is(pair.key, settings[i].key)) continue;
      known = !pair.value || vmx_offers(settings[i].control);
      if (known) *settings[i].place = pair.value;
    }
    if (is(pair.key, "vpid")) machine.vpid = pair.value, known = 1;
    if (is(pair.key, "ept") && pair.value == 1) known = 1;
    if ((is(pair.key, "mbec") || is(pair.key, "pw") || is(pair.key, "gpv")) && pair.value == 0) known = 1;
    if (!known) fail("this processor cannot do ", pair.key);
  }
}

static void registers(void) {
  const struct setting settings[] = {
      {"wp", &machine.wp, 0}, {"smep", &machine.smep, 0}, {"smap", &machine.smap, 0}, {"ac", &machine.ac, 0}, {"nxe", &machine.nxe, 0}};
  struct pair pair;
  for (next_pair(&pair); *pair.key; next_pair(&pair)) {
    int known = 0;
    for (unsigned i = 0; i < sizeof settings / sizeof *settings; i++) {
      if (is(pair.key, settings[i].key)) *settings[i].place = pair.value, known = 1;
    }
    if (is(pair.key, "cr3")) {
      machine.cr3 = pair.value, known = 1;
      if (is_sequence) sequence_cr3(machine.cr3);
    }
    if (is(pair.key, "pg")) machine.is_unpaged = !pair.value, known = 1;
    if (is(pair.key, "pe") && pair.value == 1) known = 1;
    if (is(pair.key, "inevent")) machine.in_event = pair.value, known = 1;
    if (is(pair.key, "nmi") && pair.value == 0) known = 1;
    if (!known) fail("the image cannot set ", pair.key);
  }
}

// r, w, x, rw, sr or sw; false if it is none of them.
static int kind_of(const struct word *word, enum access_kind *kind) {
  static const char *const names[] = {"r", "w", "rw", "x", "sr", "sw"};
  for (int i = 0; i < 6; i++) {
    if (is(word->text, names[i])) return *kind = i, 1;
  }
  return 0;
}

// An access that is not aligned is one of a byte; a word's pattern tells the page either way.
static void linear_access(void) {
  struct access access = {.linear = next_hex(), .cr3 = machine.cr3, .size = 1};
  struct word kind = next_word();
  struct pair pair;
  for (next_pair(&pair); *pair.key; next_pair(&pair)) {
    if (is(pair.key, "user")) access.user = pair.value;
    else if (is(pair.key, "size") && (pair.value == 1 || pair.value == 8 || pair.value == 10)) access.size = pair.value;
    else return fail("the image cannot do ", pair.key);
  }
  if (!kind_of(&kind, &access.kind)) return fail("the image cannot make the access ", kind.text);
  if (is_sequence) return sequence_access(&access);
  if (machine.in_event && (access.kind != READ || access.user)) return fail("an event is delivered by reads, not by ", kind.text);
  query_access(&access);
}

// The access is made through a linear address that the image's own guest tables map. Under `walk=1` the page is a page table of theirs.
static void physical_access(void) {
  uint64_t gpa = next_hex();
  struct word kind = next_word();
  struct access access = {.linear = gpa, .cr3 = AREA_GPA + OWN_PML4, .size = 1};
  struct page_bits bits = {0};
  struct pair pair;
  int old_wp = machine.wp, is_supervisor_stack = 0, is_linear = 1;
  for (next_pair(&pair); *pair.key; next_pair(&pair)) {
    if (is(pair.key, "laddr")) access.linear = pair.value;
    else if (is(pair.key, "lv")) is_linear = pair.value;
    else if (is(pair.key, "walk")) access.is_walk = pair.value;
    else if (is(pair.key, "user")) access.user = bits.user = pair.value;
    else if (is(pair.key, "wr")) bits.writable = pair.value;
    else if (is(pair.key, "sss")) is_supervisor_stack = pair.value;
    else if (is(pair.key, "nx")) bits.no_execute = pair.value;
    else return fail("the image cannot do ", pair.key);
  }
  if (!kind_of(&kind, &access.kind)) return fail("the image cannot make the access ", kind.text);
  if (is_sequence) return sequence_access(&access);
  if (!is_linear) {
    if (access.kind != READ || gpa & 31 || gpa >> 32) return fail("no PDPTEs are loaded by such an access as ", kind.text);
    return query_pdptes(gpa);
  }
  int is_shadow = access.kind >= SHADOW_READ;
  if (is_shadow && (!vmx_has_shadow_stacks() || access.user == is_supervisor_stack || bits.writable)) {
    return fail("the image makes no such shadow-stack access as ", kind.text);
  }
  if (is_shadow) access.size = 8;
  if (access.is_walk) {
    if (access.kind != READ || (access.linear >> 12 & 511) != (gpa >> 3 & 511) || gpa & 7) {
      return fail("walk=1 reads the entry that laddr selects, not ", kind.text);
    }
    access.walk_offset = gpa & 0xfff;
    area_map_table(access.linear, gpa);
  } else {
    area_map(access.linear, gpa, bits);
  }
  // What the page's bits say is not what is asked, so they must not be in the way; shadow stacks want WP.
  machine.wp = is_shadow;
  query_access(&access);
  machine.wp = old_wp;
}

static void vmfunc(void) {
  uint64_t eax = next_hex(), ecx = next_hex();
  if (is_sequence) return sequence_switch(ecx);
  query_vmfunc(eax, ecx, ecx & 1);
}

static void store(void) {
  uint64_t address = next_hex(), value = next_hex();
  if (!is_script_word(address)) return fail("not a word of script memory", "");
  if (is_sequence) sequence_store(address, value);
  else memory_write(address, value);
}

// A sequence of `la` is made under the script's CR3, one of `gpa` under the image's own, which maps guest-physical memory as it is.
static void policy(void) {
  struct pair pair;
  for (next_pair(&pair); *pair.key; next_pair(&pair)) {
    if (!is(pair.key, "cache")) continue;
    if (is_sequence) sequence_run();
    is_sequence = !is(pair.key + 6, "none");
    if (!is_sequence) continue;
    area_map_identity();
    sequence_begin(machine.cr3 ? machine.cr3 : AREA_GPA + OWN_PML4);
  }
}

static void use_page(uint64_t *place) {
  *place = next_hex();
  memory_use(*place);
}

// Memory is clear; what the processor writes by the fields' addresses is reported all the same.
static void zero(void) {
  const uint64_t fields[] = {machine.pml_address, machine.information, machine.list, machine.spptp};
  memory_zero();
  for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) memory_use(fields[i]);
}

void script_line(const char *line, const char *end) {
  at = line;
  line_end = end;
  line_number++;
  struct word command = next_word();
  if (!*command.text) return;
  if (is(command.text, "gpa")) physical_access();
  else if (is(command.text, "la")) linear_access();
  else if (is(command.text, "w64")) store();
  else if (is(command.text, "r64")) {
    query_count++;
    put_hex(memory_read(next_hex()));
    put_char('\n');
  } else if (is(command.text, "zero")) zero();
  else if (is(command.text, "eptp")) machine.eptp = next_hex();
  else if (is(command.text, "spptp")) use_page(&machine.spptp);
  else if (is(command.text, "eptplist")) use_page(&machine.list);
  else if (is(command.text, "pml")) {
    use_page(&machine.pml_address);
    machine.pml_index = next_hex();
  } else if (is(command.text, "veinfo")) {
    use_page(&machine.information);
    machine.eptp_index = next_hex();
  } else if (is(command.text, "vmfunc")) vmfunc();
  else if (is(command.text, "eptpok")) query_pointer(next_hex());
  else if (is(command.text, "invept")) {
    uint64_t type = next_hex(), eptp = next_hex();
    query_invept(type, eptp);
  } else if (is(command.text, "invvpid")) {
    uint64_t type = next_hex(), vpid = next_hex(), linear = next_hex();
    query_invvpid(type, vpid, linear);
  } else if (is(command.text, "ctl")) controls();
  else if (is(command.text, "reg")) registers();
  else if (is(command.text, "policy")) policy();
  else if (!is(command.text, "cap")) fail("the image cannot do ", command.text);
}
