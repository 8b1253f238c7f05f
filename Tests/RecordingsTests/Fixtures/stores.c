/*
 * The program that lackey and execlog-user recorded: a store to every 97th word, one across a page end, one of a byte.
 *   gcc -O1 -static -nostdlib -fno-stack-protector -fno-pie -no-pie -o stores stores.c
 */
static volatile char text[] = "hello\n";
static volatile unsigned long words[600];

void _start(void)
{
	unsigned long page_end = ((unsigned long)words | 0xfff) - 3;
	long result;

	for (unsigned i = 0; i < 600; i += 97)
		words[i] += i;
	*(volatile unsigned long *)page_end = 1;
	text[0] = 'H';
	__asm__ volatile("syscall" : "=a"(result) : "a"(1), "D"(1), "S"(text), "d"(6) : "rcx", "r11", "memory");
	__asm__ volatile("syscall" : "=a"(result) : "a"(60), "D"(0) : "rcx", "r11", "memory");
	__builtin_unreachable();
}
