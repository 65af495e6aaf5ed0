/* backtrace.c - where this process was when a signal ended it, left on the scoreboard.
 *
 * Owns: the handlers of the signals that a crash raises, the alternate stack they run on.
 *
 * DESIGN: the heap may be in ruins, any lock may be held, the stack may be used up or overwritten. So the
 * handler runs on a stack of its own, allocates nothing, and calls only what is async-signal-safe, plus the
 * unwinder of libgcc, which finds its tables without a lock (glibc >= 2.35) and was called once beforehand,
 * so that nothing of it remains to be bound. It works in two stages: the frames are collected, then
 * published. What can still go wrong ends well:
 *   - a fault while collecting (the stack leads nowhere): what was collected so far is published;
 *   - a fault while publishing: the process ends at once;
 *   - anything that hangs: SIGALRM comes after PATIENCE_S, and counts as such a fault.
 * In each case the process dies of the signal that it was to die of. In the normal one the signal is sent
 * once more, as it came, with its default action, and delivered where it first came: the exit status and the
 * core dump are those of a process without a handler.
 *
 * Only the first thread has the alternate stack. In others the handler runs on theirs; where such a stack
 * overflows there is no backtrace, and the signal does what it does.
 *
 * Guarantees: a child that a body forks leaves no backtrace here. Must not know: names of functions, who
 * reads. */
#include "worker/backtrace.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "worker/maps.h"

#define STACK_SIZE (64 << 10)
#define GUARD_SIZE (64 << 10) /* a multiple of any page */
#define PATIENCE_S 2

enum stage { STAGE_COLLECT, STAGE_PUBLISH };

static const int fatal_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define N_FATAL (sizeof fatal_signals / sizeof fatal_signals[0])

static struct {
    pid_t process;
    struct scoreboard *sb;
    const void *const *outside;
    _Atomic int signal; /* that this process dies of */
    _Atomic pid_t thread;
    _Atomic unsigned stage; /* enum stage */
    bool inside;            /* the unwinder is past the frames of the handler */
    _Atomic unsigned n;
    uintptr_t frames[BACKTRACE_FRAMES];
    struct maps maps;
} dying;

#if defined(__x86_64__)
#define HAS_REGISTERS 1
#define PC(context) ((context)->uc_mcontext.gregs[REG_RIP])
#define SP(context) ((context)->uc_mcontext.gregs[REG_RSP])
#define RETURN_ADDRESS(context) (*(const greg_t *)SP(context))
#define POP_RETURN_ADDRESS 8
#elif defined(__aarch64__)
#define HAS_REGISTERS 1
#define PC(context) ((context)->uc_mcontext.pc)
#define SP(context) ((context)->uc_mcontext.sp)
#define RETURN_ADDRESS(context) ((context)->uc_mcontext.regs[30])
#define POP_RETURN_ADDRESS 0
#endif

/* ---- collecting ---------------------------------------------------------------------------------------- */

static void
add_frame(uintptr_t pc)
{
    unsigned n = atomic_load(&dying.n);
    if (n < BACKTRACE_FRAMES) {
        dying.frames[n] = pc;
        atomic_store(&dying.n, n + 1);
    }
}

static bool
is_outside(const void *function)
{
    for (const void *const *f = dying.outside; *f; f++)
        if (*f == function)
            return true;
    return false;
}

/* The frame that a signal interrupted is the one whose address is exact. Of the others the address behind the
 * call is known, which may be another line or another function: the call itself is one byte before it. */
static _Unwind_Reason_Code
take_frame(struct _Unwind_Context *context, void *unused)
{
    (void)unused;
    int exact = 0;
    uintptr_t pc = _Unwind_GetIPInfo(context, &exact);
    dying.inside = dying.inside || exact;
    if (!dying.inside)
        return _URC_NO_REASON;
    if (pc == 0 || atomic_load(&dying.n) == BACKTRACE_FRAMES ||
        is_outside((const void *)_Unwind_GetRegionStart(context)))
        return _URC_END_OF_STACK;
    add_frame(exact ? pc : pc - 1);
    return _URC_NO_REASON;
}

enum place { PLACE_UNKNOWN, PLACE_CODE, PLACE_NO_CODE };

/* find_code finds the mapping with code that an address is in. */
static enum place
find_code(uintptr_t pc, struct maps_code *code)
{
    bool found = false;
    if (!maps_open(&dying.maps))
        return PLACE_UNKNOWN;
    while (!found && maps_next(&dying.maps, code))
        found = pc >= code->start && pc < code->end;
    maps_close(&dying.maps);
    return found ? PLACE_CODE : PLACE_NO_CODE;
}

/* collect unwinds from here, through the frame of the signal. Where something was called that is no code (a
 * NULL pointer), the unwinder would end there: then it goes on from the caller, as if the call had returned.
 * The registers are put back, for the core dump. */
static void
collect(ucontext_t *context)
{
#ifdef HAS_REGISTERS
    struct maps_code code;
    __typeof__(PC(context)) pc = PC(context);
    __typeof__(SP(context)) sp = SP(context);
    if (find_code((uintptr_t)pc, &code) == PLACE_NO_CODE) {
        add_frame((uintptr_t)pc);
        PC(context) = RETURN_ADDRESS(context) - 1;
        SP(context) += POP_RETURN_ADDRESS;
    }
    _Unwind_Backtrace(take_frame, NULL);
    PC(context) = pc;
    SP(context) = sp;
    if (atomic_load(&dying.n) == 0)
        add_frame((uintptr_t)pc);
#else
    (void)context;
    _Unwind_Backtrace(take_frame, NULL);
#endif
}

/* ---- publishing ---------------------------------------------------------------------------------------- */

struct text {
    char *data;
    size_t length;
    bool full;
};

static void
put(struct text *t, const char *data, size_t length)
{
    if (length > SCOREBOARD_BACKTRACE - t->length)
        t->full = true;
    else
        memcpy(t->data + t->length, data, length);
    t->length += t->full ? 0 : length;
}

static void
put_hex(struct text *t, uintptr_t value)
{
    char digits[2 + 2 * sizeof value], *start = digits + sizeof digits;
    do
        *--start = "0123456789abcdef"[value & 15];
    while (value >>= 4);
    *--start = 'x';
    *--start = '0';
    put(t, start, (size_t)(digits + sizeof digits - start));
}

static void
put_frame(struct text *t, uintptr_t pc, const struct maps_code *code)
{
    size_t before = t->length;
    if (code && code->path[0]) {
        put(t, code->path, strlen(code->path));
        put(t, "+", 1);
        put_hex(t, pc - code->base);
    } else {
        put_hex(t, pc);
    }
    put(t, "\n", 1);
    if (t->full) /* no half lines */
        t->length = before;
}

/* publish writes the frames. The length grows with each, so that a fault on the way leaves those before. The
 * mapping of the last frame is looked at first: mostly the next one is there, too. */
static void
publish(void)
{
    struct text text = {.data = dying.sb->backtrace};
    struct maps_code code;
    bool known = false;
    for (unsigned i = 0; i < atomic_load(&dying.n) && !text.full; i++) {
        uintptr_t pc = dying.frames[i];
        if (!known || pc < code.start || pc >= code.end)
            known = find_code(pc, &code) == PLACE_CODE;
        put_frame(&text, pc, known ? &code : NULL);
        atomic_store_explicit(&dying.sb->backtrace_length, (uint32_t)text.length, memory_order_release);
    }
}

/* ---- ending -------------------------------------------------------------------------------------------- */

static void
allow(int signal, int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    sigprocmask(how, &set, NULL);
}

/* end_at_return has the process end when the handler returns. What a fault interrupted is done again, and
 * faults again; should it not (another thread has mapped the page meanwhile), the alarm still comes. A signal
 * that was sent is sent once more, and waits until the handler returns. */
static void
end_at_return(int signal, siginfo_t *info)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(signal, &plain, NULL);
    if (info->si_code > 0)
        return;
    allow(signal, SIG_BLOCK);
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), signal, info) < 0)
        raise(signal);
}

/* end_now is for a handler that cannot return. */
static void
end_now(int signal)
{
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigaction(signal, &plain, NULL);
    allow(signal, SIG_UNBLOCK);
    raise(signal);
    _exit(128 + signal);
}

/* go_on is called where collecting or publishing cannot go on. */
static void
go_on(void)
{
    if (atomic_exchange(&dying.stage, STAGE_PUBLISH) == STAGE_COLLECT)
        publish();
    end_now(atomic_load(&dying.signal));
}

static void
on_alarm(int signal)
{
    (void)signal;
    go_on();
}

static void
limit_time(void)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_NODEFER | SA_ONSTACK};
    sigaction(SIGALRM, &action, NULL);
    allow(SIGALRM, SIG_UNBLOCK);
    alarm(PATIENCE_S);
}

static void
on_fatal(int signal, siginfo_t *info, void *context)
{
    int none = 0;
    pid_t thread = (pid_t)syscall(SYS_gettid);
    if (getpid() != dying.process) {
        end_at_return(signal, info); /* a child that the body has forked */
        return;
    }
    if (!atomic_compare_exchange_strong(&dying.signal, &none, signal)) {
        while (thread != atomic_load(&dying.thread)) /* two threads at once: the first ends both */
            pause();
        go_on();
    }
    atomic_store(&dying.thread, thread);
    limit_time();
    collect(context);
    while (atomic_exchange(&dying.stage, STAGE_PUBLISH) != STAGE_COLLECT)
        pause(); /* the alarm came in another thread, which ends us */
    publish();
    end_at_return(signal, info);
}

/* ---- beforehand ---------------------------------------------------------------------------------------- */

static _Unwind_Reason_Code
pass_frame(struct _Unwind_Context *context, void *unused)
{
    (void)unused;
    int exact;
    _Unwind_GetIPInfo(context, &exact);
    _Unwind_GetRegionStart(context);
    return _URC_NO_REASON;
}

/* make_stack makes the alternate stack, with a page below that nothing may touch. Without it (no memory) only
 * a stack overflow leaves no backtrace. */
static void
make_stack(void)
{
    char *memory = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + GUARD_SIZE, STACK_SIZE, PROT_READ | PROT_WRITE) < 0)
        return;
    stack_t stack = {.ss_sp = memory + GUARD_SIZE, .ss_size = STACK_SIZE};
    sigaltstack(&stack, NULL);
}

/* Other signals wait while a handler runs, but for those that can come out of it, and the alarm. */
static void
handle(int signal)
{
    static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};
    struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    struct sigaction before;
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        sigdelset(&action.sa_mask, open[i]);
    if (sigaction(signal, NULL, &before) == 0 && !(before.sa_flags & SA_SIGINFO) &&
        (before.sa_handler == SIG_DFL || before.sa_handler == SIG_IGN))
        sigaction(signal, &action, NULL);
}

void
backtrace_watch(struct scoreboard *sb, const void *const *outside)
{
    dying.process = getpid();
    dying.sb = sb;
    dying.outside = outside;
    _Unwind_Backtrace(pass_frame, NULL);
    make_stack();
    for (size_t i = 0; i < N_FATAL; i++)
        handle(fatal_signals[i]);
}
