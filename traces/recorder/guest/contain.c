/*
 * contain IMAGE CGROUPS NAME PROGRAM [ARGUMENT...]: runs a program as container runtimes do, and ends with its status.
 *
 * A cgroup of its own with a packet filter that the kernel compiles (eBPF) and switches on by rewriting its text; namespaces of
 * its own; a root made of the image under a fresh file system; a system-call filter, compiled too; then the program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	fprintf(stderr, "contain: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long bpf(int command, union bpf_attr *attributes)
{
	return syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

/* A filter that lets every packet pass, after some arithmetic that makes it a page of machine code. */
static int load_filter(void)
{
	static struct bpf_insn code[402];
	unsigned int used = 0;

	code[used++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 7 };
	while (used < 400)
		code[used++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = (int)used };
	code[used++] = (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1 };
	code[used++] = (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT };
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SKB,
		.insn_cnt = used,
		.insns = (uintptr_t)code,
		.license = (uintptr_t)"GPL",
		.expected_attach_type = BPF_CGROUP_INET_EGRESS,
	};
	int program = (int)bpf(BPF_PROG_LOAD, &attributes);

	if (program < 0)
		fail("no packet filter");
	return program;
}

static void filter_system_calls(void)
{
	/* As a runtime's list does: one comparison for each call that is not wanted; all of these are allowed to fail. */
	static struct sock_filter code[64];
	unsigned short used = 0;

	code[used++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (unsigned int call = 400; used < 60; call++) {
		code[used++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
		code[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);
	}
	code[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = { .len = used, .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		fail("no system-call filter");
}

static void enter_root(const char *image)
{
	char path[256];

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("none", "/mnt", "tmpfs", 0, NULL))
		fail("no file system");
	snprintf(path, sizeof path, "%s/bin", image);
	if (mkdir("/mnt/bin", 0755) || mkdir("/mnt/proc", 0755) || mkdir("/mnt/tmp", 0755) ||
	    mount(path, "/mnt/bin", NULL, MS_BIND, NULL) || mount("proc", "/mnt/proc", "proc", 0, NULL))
		fail("no root");
	if (chroot("/mnt") || chdir("/") || sethostname("box", 3))
		fail("no root to enter");
}

int main(int argc, char **argv)
{
	char path[256], text[32];
	int status, file, program;

	if (argc < 5)
		return 2;
	mkdir("/mnt", 0755);
	snprintf(path, sizeof path, "%s/%s", argv[2], argv[3]);
	if (mkdir(path, 0755))
		fail("no cgroup");
	program = load_filter();
	file = open(path, O_RDONLY | O_DIRECTORY);
	union bpf_attr attach = {
		.target_fd = (uint32_t)file,
		.attach_bpf_fd = (uint32_t)program,
		.attach_type = BPF_CGROUP_INET_EGRESS,
	};
	if (bpf(BPF_PROG_ATTACH, &attach))
		fail("the packet filter is not attached");
	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET))
		fail("no namespaces");
	pid_t child = fork();

	if (child == 0) {
		enter_root(argv[1]);
		filter_system_calls();
		execv(argv[4], argv + 4);
		fail(argv[4]);
	}
	snprintf(path, sizeof path, "%s/%s/cgroup.procs", argv[2], argv[3]);
	int members = open(path, O_WRONLY);
	int length = snprintf(text, sizeof text, "%d", (int)child);

	if (child < 0 || members < 0 || write(members, text, (size_t)length) < 0)
		fail("the program is not in its cgroup");
	if (waitpid(child, &status, 0) != child)
		fail("wait");
	if (bpf(BPF_PROG_DETACH, &attach))
		fail("the packet filter is not detached");
	snprintf(path, sizeof path, "%s/%s", argv[2], argv[3]);
	if (rmdir(path))
		fail("the cgroup stays");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
