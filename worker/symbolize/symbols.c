/* symbols.c - which function an address of a program or module belongs to, and which line of its source.
 *
 * Owns: the file, opened by libdw with its debug information, which may be in a file of its own (found by its
 * build id or name below /usr/lib/debug, as debuggers do).
 *
 * DESIGN: the debug information knows most (static functions, functions put into others, lines); where there
 * is none, the symbol table still knows the function, unless it was stripped: then exported ones are left.
 *
 * Guarantees: only regular files are read, none is written, nothing is fetched from anywhere. Must not know:
 * frames, how the answer looks. */
#include "worker/symbolize/symbols.h"

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <dwarf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/mem.h"

struct symbols {
    Dwfl *dwfl;
    Dwfl_Module *module;
    uint64_t first; /* the address that the beginning of the file is linked for: 0 but for old programs */
};

/* open_regular opens a file that can be read to its end: no device, no pipe. */
static int
open_regular(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static uint64_t
first_address(Dwfl_Module *module)
{
    GElf_Addr bias;
    Elf *elf = dwfl_module_getelf(module, &bias);
    size_t n = 0;
    if (!elf || elf_getphdrnum(elf, &n) < 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        GElf_Phdr segment;
        if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_LOAD)
            return segment.p_vaddr - segment.p_offset;
    }
    return 0;
}

struct symbols *
symbols_open(const char *path)
{
    static const Dwfl_Callbacks callbacks = {.find_elf = dwfl_build_id_find_elf,
                                             .find_debuginfo = dwfl_standard_find_debuginfo,
                                             .section_address = dwfl_offline_section_address};
    int fd = open_regular(path);
    if (fd < 0)
        return NULL;
    struct symbols *s = mem_alloc(sizeof *s);
    s->dwfl = dwfl_begin(&callbacks);
    if (s->dwfl) {
        dwfl_report_begin(s->dwfl);
        s->module = dwfl_report_elf(s->dwfl, "file", path, fd, 0, true);
        dwfl_report_end(s->dwfl, NULL, NULL);
    }
    if (!s->module) {
        close(fd);
        symbols_close(s);
        return NULL;
    }
    s->first = first_address(s->module);
    return s;
}

void
symbols_close(struct symbols *s)
{
    if (s && s->dwfl)
        dwfl_end(s->dwfl);
    free(s);
}

/* ---- by the debug information ----------------------------------------------------------------------- */

static bool
is_function(Dwarf_Die *die)
{
    int tag = dwarf_tag(die);
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

static int
number_of(Dwarf_Die *die, unsigned name)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    return dwarf_formudata(dwarf_attr(die, name, &attribute), &value) == 0 ? (int)value : 0;
}

/* call_site says where a function stands that was put into another. */
static const char *
call_site(Dwarf_Die *inlined, Dwarf_Die *unit, int *line)
{
    Dwarf_Files *files;
    size_t n;
    int file = number_of(inlined, DW_AT_call_file);
    *line = number_of(inlined, DW_AT_call_line);
    if (file <= 0 || dwarf_getsrcfiles(unit, &files, &n) != 0)
        return NULL;
    return dwarf_filesrc(files, (size_t)file, NULL, NULL);
}

/* innermost fills *scopes with the scope that an address is in and those around it, as they stand in the
 * source of the function; dwarf_getscopes alone leaves out what is around a function that was put into
 * another. */
static int
innermost(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die **scopes)
{
    Dwarf_Die *at = NULL;
    int n = dwarf_getscopes(unit, address, &at);
    if (n > 0) {
        Dwarf_Die die = at[0];
        n = dwarf_getscopes_die(&die, scopes);
    }
    free(at);
    return n;
}

static int
find_debug(struct symbols *s, uint64_t address, symbols_found *found, void *arg)
{
    Dwarf_Addr bias;
    Dwarf_Die *unit = dwfl_module_addrdie(s->module, address, &bias), *scopes = NULL;
    if (!unit)
        return 0;
    int line = 0, told = 0, n = innermost(unit, address - bias, &scopes);
    Dwfl_Line *at = dwfl_module_getsrc(s->module, address);
    const char *file = at ? dwfl_lineinfo(at, NULL, &line, NULL, NULL, NULL) : NULL;
    for (int i = 0; i < n; i++) {
        if (!is_function(&scopes[i]))
            continue;
        const char *name = dwarf_diename(&scopes[i]);
        found(arg, name ? name : "?", line > 0 ? file : NULL, line);
        told++;
        if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram)
            break;
        file = call_site(&scopes[i], unit, &line);
    }
    free(scopes);
    return told;
}

/* ---- by the symbol table ---------------------------------------------------------------------------- */

/* plain_name takes off what the compiler has put behind the name of a part or a copy of a function. */
static char *
plain_name(const char *name)
{
    char *plain = mem_string(name);
    if (plain[0])
        plain[1 + strcspn(plain + 1, ".@")] = '\0';
    return plain;
}

static int
find_symbol(struct symbols *s, uint64_t address, symbols_found *found, void *arg)
{
    GElf_Off within;
    GElf_Sym symbol;
    const char *name = dwfl_module_addrinfo(s->module, address, &within, &symbol, NULL, NULL, NULL);
    if (!name || within >= symbol.st_size) /* it only comes before the address */
        return 0;
    char *plain = plain_name(name);
    found(arg, plain, NULL, 0);
    free(plain);
    return 1;
}

int
symbols_find(struct symbols *s, uint64_t offset, symbols_found *found, void *arg)
{
    uint64_t address = s->first + offset;
    int n = find_debug(s, address, found, arg);
    return n > 0 ? n : find_symbol(s, address, found, arg);
}
