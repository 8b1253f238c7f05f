/*
 * The guest's user-space helper.
 *   tool mark ID NAME    executes a mark, and says so on the log
 *   tool forge ID        executes GI_ENTER in ring 3 after mark ID, and prints its ground truth
 *   tool seed            credits the kernel's random pool, which would otherwise spin for entropy
 */
#include <fcntl.h>
#include <linux/random.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "gi_abi.h"

extern const char forged_instruction[];

static uint64_t physical_address(const void *address)
{
	uint64_t entry = 0;
	int pagemap = open("/proc/self/pagemap", O_RDONLY);

	if (pagemap < 0 || pread(pagemap, &entry, 8, (uintptr_t)address / 4096 * 8) != 8)
		return 0;
	close(pagemap);
	return (entry & ((1ULL << 55) - 1)) << 12 | (uintptr_t)address % 4096;
}

/* A fixed seed: the recorded guest keeps no secrets, and repeats as nearly as it can. */
static int seed(void)
{
	struct {
		struct rand_pool_info info;
		uint8_t bytes[64];
	} pool = { .info = { .entropy_count = 512, .buf_size = 64 }, .bytes = "recorded guest" };
	int device = open("/dev/random", O_WRONLY);

	return device < 0 || ioctl(device, RNDADDENTROPY, &pool) < 0;
}

int main(int argc, char **argv)
{
	unsigned long id = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (argc == 4 && strcmp(argv[1], "mark") == 0) {
		printf("mark: id=%lu name=%s\n", id, argv[3]);
		fflush(stdout);
		gi_mark(id);
	} else if (argc == 3 && strcmp(argv[1], "forge") == 0) {
		unsigned long rax = GI_ENTER;

		gi_mark(id);
		__asm__ volatile("forged_instruction:\n" GI_HYPERCALL_INSTRUCTION : "+a"(rax));
		printf("rootkit: act mark=%lu attack=A2 name=enter-from-ring-3 kind=hypercall gpa=0x%llx bytes=7 "
		       "expected=refused\n",
		       id, (unsigned long long)physical_address(forged_instruction));
	} else if (argc == 2 && strcmp(argv[1], "seed") == 0) {
		return seed();
	} else {
		return 2;
	}
	return 0;
}
