#include "answer.h"

#include "console.h"
#include "fields.h"
#include "machine.h"
#include "memory.h"
#include "vmx.h"

enum { VECTOR_UNDEFINED = 6, VECTOR_PAGE_FAULT = 14, VECTOR_VIRTUALIZATION = 20 };

void put_effects(void) {
  put(" |W");
  memory_report_changes();
  if (vmx_offers(17)) machine.pml_index = vm_read(PML_INDEX) & 0xffff;
  put_field(" |pml=", machine.pml_index);
  put_char('\n');
}

static void put_addresses(void) {
  put_field(" gpa=", vm_read(GUEST_PHYSICAL_ADDRESS));
  // Without a linear address the field is undefined, and the protocol's answer 0.
  put_field(" gla=", vm_read(EXIT_QUALIFICATION) & 0x80 || vm_read(EXIT_REASON) == EXIT_SPP ? vm_read(GUEST_LINEAR_ADDRESS) : 0);
}

static void put_exception(uint64_t qualification) {
  uint64_t vector = vm_read(EXIT_EVENT) & 255;
  switch (vector) {
  case VECTOR_VIRTUALIZATION: put("VE"); break;
  case VECTOR_UNDEFINED: put("UD"); break;
  case VECTOR_PAGE_FAULT:
    put_field("PF ec=", vm_read(EXIT_EVENT_CODE));
    put_field(" la=", qualification);
    break;
  default: put_field("EXCEPTION ", vector);
  }
}

void put_exit(void) {
  uint64_t reason = vm_read(EXIT_REASON), qualification = vm_read(EXIT_QUALIFICATION);
  if (reason >> 31) {
    put_field("ENTRY FAILED ", reason & 0xffff);
    return;
  }
  switch (reason & 0xffff) {
  case EXIT_EXCEPTION: put_exception(qualification); break;
  case EXIT_EPT_VIOLATION:
    put_field("VIOL qual=", qualification);
    put_addresses();
    break;
  case EXIT_EPT_MISCONFIGURATION: put_field("MISC gpa=", vm_read(GUEST_PHYSICAL_ADDRESS)); break;
  case EXIT_SPP:
    put_field("SPP qual=", qualification);
    put_addresses();
    break;
  case EXIT_LOG_FULL: put("PMLFULL"); break;
  case EXIT_VMFUNC: put("VMFUNCEXIT"); break;
  case EXIT_PREEMPTION_TIMER: put("HUNG"); break;
  default:
    put_field("EXIT ", reason & 0xffff);
    put_field(" qual=", qualification);
  }
}

void put_no_effects(void) {
  put(" |W");
  put_field(" |pml=", machine.pml_index);
  put_char('\n');
}

void put_switched(uint64_t eptp, uint64_t index) {
  put_field("OK eptp=", eptp);
  put_field(" idx=", index);
}
