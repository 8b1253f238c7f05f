/*
 * The guest's user-space helper.
 *   tool mark ID NAME    executes a mark, and says so on the log
 *   tool forge ID        executes GI_ENTER in ring 3 after mark ID, and prints its ground truth
 *   tool seed NUMBER     credits the kernel's random pool, which would otherwise spin for entropy
 *   tool serve ID PAGES TIMES PROGRAM [ARGUMENT...]
 *                        runs PROGRAM, then executes mark ID, forks TIMES and writes PAGES pages in between; lives on
 */
#include <fcntl.h>
#include <linux/random.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
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

/* A seed that is known: the recorded guest keeps no secrets, and repeats as nearly as it can. */
static int seed(unsigned char number)
{
	struct {
		struct rand_pool_info info;
		uint8_t bytes[64];
	} pool = { .info = { .entropy_count = 512, .buf_size = 64 }, .bytes = "recorded guest" };
	int device = open("/dev/random", O_WRONLY);

	pool.bytes[63] = number;
	return device < 0 || ioctl(device, RNDADDENTROPY, &pool) < 0;
}

static void mark(unsigned long id, const char *name)
{
	printf("mark: id=%lu name=%s\n", id, name);
	fflush(stdout);
	gi_mark(id);
}

static int run(char **program)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		execvp(program[0], program);
		_exit(127);
	}
	return child < 0 || waitpid(child, &status, 0) != child || status != 0;
}

static void touch(volatile char *memory, unsigned long pages)
{
	for (unsigned long page = 0; page < pages; page++)
		memory[page * 4096]++;
}

/*
 * A fork write-protects every page of the parent, and the parent's next write to each makes it writable again, with
 * a copy if the child still has it: two stores to a page table for each page. Every fourth child executes a program.
 * Every eighth time the pages are offered to the kernel, as allocators do with what they have freed: it clears their
 * accessed and dirty flags, and with the next write to each the processor sets them, without a fault or a store instruction.
 */
static void fork_and_write(char *memory, unsigned long pages, unsigned long times)
{
	for (unsigned long i = 0; i < times; i++) {
		pid_t child = fork();

		if (child == 0) {
			if (i % 4 == 0)
				execl("/bin/true", "true", (char *)NULL);
			_exit(0);
		}
		if (i % 2)
			touch(memory, pages);
		waitpid(child, NULL, 0);
		if (i % 8 == 7)
			madvise(memory, pages * 4096, MADV_FREE);
		touch(memory, pages);
	}
}

/* The server is a child that outlives this process, for a driver that PROGRAM loads protects its page tables for good. */
static int serve(unsigned long id, unsigned long pages, unsigned long times, char **program)
{
	int done[2];
	char byte = 0;
	char *memory;

	if (pipe(done))
		return 1;
	if (fork() != 0) {
		close(done[1]);
		return read(done[0], &byte, 1) != 1;
	}
	memory = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	touch(memory, pages);
	if (run(program))
		return 1;
	mark(id, "fork-and-write");
	fork_and_write(memory, pages, times);
	if (write(done[1], &byte, 1) != 1)
		return 1;
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	unsigned long id = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (argc == 4 && strcmp(argv[1], "mark") == 0) {
		mark(id, argv[3]);
	} else if (argc == 3 && strcmp(argv[1], "forge") == 0) {
		unsigned long rax = GI_ENTER;

		gi_mark(id);
		__asm__ volatile("forged_instruction:\n" GI_HYPERCALL_INSTRUCTION : "+a"(rax));
		printf("rootkit: act mark=%lu attack=A2 name=enter-from-ring-3 kind=hypercall gpa=0x%llx bytes=7 "
		       "expected=refused\n",
		       id, (unsigned long long)physical_address(forged_instruction));
	} else if (argc == 3 && strcmp(argv[1], "seed") == 0) {
		return seed((unsigned char)id);
	} else if (argc > 5 && strcmp(argv[1], "serve") == 0) {
		return serve(id, strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10), argv + 5);
	} else {
		return 2;
	}
	return 0;
}
