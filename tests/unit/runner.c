/* runner.c - the main of the unit tests, and with FLOW defined that of the flow tests.
 *
 * Owns: nothing; the list of suites is generated out of the test files, so that none can be forgotten.
 * Guarantees: exit code 1 if a test failed. `unit-tests NAME` runs one suite; libcheck's own variables
 * (CK_RUN_SUITE, CK_RUN_CASE, CK_FORK, CK_VERBOSITY, CK_DEFAULT_TIMEOUT) work as well. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef FLOW
#define SUITES "flow.h"
#else
#define SUITES "unit.h"
#endif

#define SUITE(suite) Suite *suite(void);
#include SUITES
#undef SUITE

typedef Suite *make_suite(void);

static make_suite *const suites[] = {
#define SUITE(suite) suite,
#include SUITES
#undef SUITE
    NULL,
};

int
main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    setenv("CK_DEFAULT_TIMEOUT", "60", 0);
    /* For programs that tests start: a crash is to be a crash, not a report of the sanitizer. */
    setenv("ASAN_OPTIONS", "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0", 0);
    if (argc > 1)
        setenv("CK_RUN_SUITE", argv[1], 1);
    SRunner *runner = srunner_create(NULL);
    for (make_suite *const *make = suites; *make != NULL; make++)
        srunner_add_suite(runner, (*make)());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
