// SPDX-License-Identifier: Apache-2.0
// What runs here is tried: a program that only ends, 12 to 16 bytes of code for each processor, in
// the smallest file that every kernel and emulator takes. ELF: gabi chapters 4 and 5; the numbers
// of the system calls: the kernel's unistd.h.
#include "sandbox/foreign.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "sandbox/handler.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct machine {
	const char *arch, *qemu;
	unsigned char class, data;
	unsigned short number;
	unsigned flags;
	const char *code; // exit(0)
	size_t n_code;
};
#define CODE(text) text, sizeof(text) - 1

static const struct machine machines[] = {
        {"amd64", "x86_64", ELFCLASS64, ELFDATA2LSB, EM_X86_64, 0,
                CODE("\xb8\x3c\0\0\0\x31\xff\x0f\x05")},
        {"386", "i386", ELFCLASS32, ELFDATA2LSB, EM_386, 0, CODE("\xb8\x01\0\0\0\x31\xdb\xcd\x80")},
        {"arm64", "aarch64", ELFCLASS64, ELFDATA2LSB, EM_AARCH64, 0,
                CODE("\xa8\x0b\x80\xd2\0\0\x80\xd2\x01\0\0\xd4")},
        {"arm", "arm", ELFCLASS32, ELFDATA2LSB, EM_ARM, EF_ARM_EABI_VER5,
                CODE("\x01\x70\xa0\xe3\0\0\xa0\xe3\0\0\0\xef")},
        {"riscv64", "riscv64", ELFCLASS64, ELFDATA2LSB, EM_RISCV, 0,
                CODE("\x93\x08\xd0\x05\x13\x05\0\0\x73\0\0\0")},
        {"ppc64le", "ppc64le", ELFCLASS64, ELFDATA2LSB, EM_PPC64, 2,
                CODE("\x01\0\0\x38\0\0\x60\x38\x02\0\0\x44")},
        {"s390x", "s390x", ELFCLASS64, ELFDATA2MSB, EM_S390, 0,
                CODE("\xa7\x19\0\x01\xa7\x29\0\0\x0a\x01")},
        {"mips64le", "mips64el", ELFCLASS64, ELFDATA2LSB, EM_MIPS, EF_MIPS_ARCH_64R2,
                CODE("\xc2\x13\x02\x24\0\0\x04\x24\x0c\0\0\0")},
        {"loong64", "loongarch64", ELFCLASS64, ELFDATA2LSB, 258, 0x43,
                CODE("\x0b\x74\x81\x03\x04\0\x15\0\0\0\x2b\0")},
};

enum { HEAD = 20 }; // e_ident, e_type, e_machine

static const struct machine *machine_of(const char *arch)
{
	for (size_t i = 0; i < ARRAY_LEN(machines); i++)
		if (!strcmp(machines[i].arch, arch))
			return &machines[i];
	return NULL;
}

const char *foreign_arch(size_t i)
{
	return i < ARRAY_LEN(machines) ? machines[i].arch : NULL;
}

void foreign_release(struct foreign *f)
{
	close_fd(&f->fd);
	free(f->path);
	*f = (struct foreign){.fd = -1};
}

// ---- ELF

static void put(struct buf *b, const struct machine *m, size_t size, uint64_t value)
{
	for (size_t i = 0; i < size; i++)
		buf_putc(b, (char)(value >> 8 * (m->data == ELFDATA2LSB ? i : size - 1 - i)));
}

static void put_head(struct buf *b, const struct machine *m)
{
	const char ident[EI_NIDENT] = {
	        '\x7f', 'E', 'L', 'F', (char)m->class, (char)m->data, EV_CURRENT};
	buf_add(b, ident, sizeof ident);
	put(b, m, 2, ET_EXEC);
	put(b, m, 2, m->number);
}

// One segment: all of the file. 32-bit files have its flags in another place.
static void put_program(struct buf *b, const struct machine *m)
{
	const uint64_t base = 0x400000, page = 0x10000;
	bool wide = m->class == ELFCLASS64;
	size_t word = wide ? 8 : 4, head = wide ? 64 : 52, segment = wide ? 56 : 32;
	put_head(b, m);
	put(b, m, 4, EV_CURRENT);
	put(b, m, word, base + head + segment);
	put(b, m, word, head);
	put(b, m, word, 0);
	put(b, m, 4, m->flags);
	const size_t halves[] = {head, segment, 1, 0, 0, 0};
	for (size_t i = 0; i < ARRAY_LEN(halves); i++)
		put(b, m, 2, halves[i]);
	put(b, m, 4, PT_LOAD);
	if (wide)
		put(b, m, 4, PF_R | PF_X);
	const uint64_t words[] = {
	        0, base, base, head + segment + m->n_code, head + segment + m->n_code};
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		put(b, m, word, words[i]);
	if (!wide)
		put(b, m, 4, PF_R | PF_X);
	put(b, m, word, page);
	buf_add(b, m->code, m->n_code);
}

const char *foreign_arch_of(const void *head, size_t n)
{
	for (size_t i = 0; i < ARRAY_LEN(machines) && n >= HEAD; i++) {
		auto_buf struct buf b = {0};
		put_head(&b, &machines[i]);
		if (memcmp(head, b.p, EI_OSABI) == 0 &&
		        !memcmp((const char *)head + 18, b.p + 18, 2))
			return machines[i].arch;
	}
	return NULL;
}

// Executables of both kinds (ET_EXEC, ET_DYN), for whatever operating system they say.
char *foreign_magic(const char *arch)
{
	const struct machine *m = machine_of(arch);
	auto_buf struct buf head = {0}, out = {0};
	if (!m)
		return NULL;
	put_head(&head, m);
	buf_printf(&out, ":qemu-%s:M::", m->qemu);
	for (size_t i = 0; i < HEAD; i++)
		buf_printf(&out, "\\x%02x", (unsigned char)head.p[i]);
	buf_putc(&out, ':');
	size_t type = m->data == ELFDATA2LSB ? 16 : 17;
	for (size_t i = 0; i < HEAD; i++)
		buf_printf(&out, "\\x%02x", i == EI_OSABI ? 0u : i == type ? 0xfeu : 0xffu);
	buf_putc(&out, ':');
	return buf_steal(&out);
}

// ---- the machine

static bool ends_well(int program)
{
	// An interpreter opens it by this name, so it stays open over the exec.
	enum { FD = 9 };
	posix_spawn_file_actions_t fa;
	char path[32], name[] = "hew-probe", *argv[] = {name, NULL}, *env[] = {NULL};
	int status = -1;
	pid_t pid;
	snprintf(path, sizeof path, "/proc/self/fd/%d", FD);
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&fa, 0, 1);
	posix_spawn_file_actions_adddup2(&fa, 0, 2);
	posix_spawn_file_actions_adddup2(&fa, program, FD);
	bool started = posix_spawn(&pid, path, &fa, NULL, argv, env) == 0;
	posix_spawn_file_actions_destroy(&fa);
	return started && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool machine_runs(const struct machine *m)
{
	auto_buf struct buf b = {0};
	put_program(&b, m);
	int fd = memfd_create("hew-probe", MFD_CLOEXEC);
	// not 9, which dup2 would leave to be closed
	auto_fd int program = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 10);
	close_fd(&fd);
	return program >= 0 && write(program, b.p, b.n) == (ssize_t)b.n && ends_well(program);
}

// A handler that opens its emulator by name only when it is needed does not find it in an image.
static bool handler_needs_path(const struct machine *m)
{
	auto_free char *path = xasprintf("/proc/sys/fs/binfmt_misc/qemu-%s", m->qemu);
	auto_buf struct buf text = {0};
	struct err ignored = ERR_INIT;
	if (fs_read_file(AT_FDCWD, path, 4096, &text, &ignored) < 0)
		return false;
	const char *flags = strstr(buf_cstr(&text), "\nflags:");
	return flags && !memchr(flags + 1, 'F', strcspn(flags + 1, "\n"));
}

// ---- emulators

// One that needs libraries would look for them in the image.
static bool is_static(int fd)
{
	ElfW(Ehdr) h;
	if (pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h ||
	        memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_phentsize != sizeof(ElfW(Phdr)))
		return false;
	for (size_t i = 0; i < h.e_phnum; i++) {
		ElfW(Phdr) p;
		if (pread(fd, &p, sizeof p, (off_t)(h.e_phoff + i * sizeof p)) !=
		                (ssize_t)sizeof p ||
		        p.p_type == PT_INTERP)
			return false;
	}
	return h.e_phnum > 0;
}

static bool take_emulator(const char *dir, const char *name, struct foreign *ret)
{
	auto_free char *path = xasprintf("%s/%s", dir, name);
	auto_fd int fd = *dir == '/' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || !is_static(fd))
		return false;
	*ret = (struct foreign){
	        .way = FOREIGN_EMULATOR, .fd = steal_fd(&fd), .path = steal_ptr(&path)};
	return true;
}

static bool find_emulator(const struct machine *m, struct foreign *ret)
{
	const char *own = getenv("HEW_QEMU_DIR"), *path = getenv("PATH");
	auto_free char *usual = xasprintf("qemu-%s-static", m->qemu);
	auto_free char *plain = xasprintf("qemu-%s", m->qemu);
	auto_strv struct strv dirs = {0};
	if (own)
		strv_add(&dirs, own);
	strv_split(&dirs, path ? path : "/usr/bin", ':');
	for (size_t i = 0; i < dirs.n; i++)
		if (take_emulator(dirs.v[i], usual, ret) || take_emulator(dirs.v[i], plain, ret))
			return true;
	return false;
}

int foreign_find(const char *arch, struct foreign *ret, struct err *e)
{
	const struct machine *m = machine_of(arch);
	auto_foreign struct foreign found = {.fd = -1};
	if (!m)
		return err_set(e, ERR_SANDBOX, "hew knows no emulator for it");
	if (machine_runs(m) && !handler_needs_path(m)) {
		*ret = (struct foreign){.way = FOREIGN_MACHINE, .fd = -1};
		return 0;
	}
	if (!find_emulator(m, &found))
		return err_set(e, ERR_SANDBOX,
		        "there is no static qemu-%s to emulate them: "
		        "'apt install qemu-user-static' brings it",
		        m->qemu);
	if (!handlers_usable())
		return err_set(e, ERR_SANDBOX,
		        "this kernel lets only root register %s: as root, "
		        "'systemctl restart systemd-binfmt' does",
		        found.path);
	*ret = found;
	found = (struct foreign){.fd = -1};
	return 0;
}
