/* headrace_macros.h - what the macros of headrace.h expand to. It is included there, within extern "C", and by nobody else;
 * nothing in it is called by name. */
#ifndef HEADRACE_MACROS_H
#define HEADRACE_MACROS_H

typedef const char *hr_ctype_HR_STRING_;
typedef int64_t hr_ctype_HR_INT_;
typedef double hr_ctype_HR_REAL_;
typedef bool hr_ctype_HR_BOOL_;
typedef const char *hr_ctype_HR_OPT_STRING_;
typedef int64_t hr_ctype_HR_OPT_INT_;
typedef double hr_ctype_HR_OPT_REAL_;
typedef bool hr_ctype_HR_OPT_BOOL_;

typedef struct hr_field {
    const char *json; /* the name in JSON */
    enum hr_kind kind;
    size_t offset;    /* in the struct */
    const char *text; /* the defaults: of a string, */
    int64_t integer;  /* of an integer or a boolean, */
    double real;      /* of a real */
} hr_field;

typedef struct hr_type {
    int api;
    const char *name;
    size_t size;
    size_t field_size; /* of one hr_field: a later version may have added members */
    const hr_field *fields;
    size_t n_fields;
} hr_type;

void hr_register_task_(int api, size_t size, const hr_task_options *options, hr_task_function *function,
                       const char *file, int line);
void hr_register_timer_(int api, size_t size, const hr_timer_options *options, hr_task_function *function,
                        const char *file, int line);
void hr_register_counter_(int api, hr_counter *counter);
int hr_add_task_(int api, size_t size, const char *file, int line, hr_app *app,
                 const hr_task_options *options, hr_task_function *function);
int hr_add_timer_(int api, size_t size, const char *file, int line, hr_app *app,
                  const hr_timer_options *options, hr_task_function *function);
const void *hr_next_as_(hr_task *self, const hr_type *type);
const void *hr_as_(hr_record *record, const hr_type *type);

#ifdef __cplusplus
#define HR_SEMICOLON_ static_assert(true, "takes the semicolon")
#else
#define HR_SEMICOLON_ _Static_assert(1, "takes the semicolon")
#endif

/* clang-format off */
#define HR_FIRST_1_(first, ...) first
#define HR_FIRST_(...) HR_FIRST_1_(__VA_ARGS__, ~)
#define HR_SECOND_(first, second, ...) second
#define HR_THIRD_(first, second, third, ...) third
#define HR_STR_1_(x) #x
#define HR_STR_(x) HR_STR_1_(x)
#define HR_CAT_1_(a, b) a##b
#define HR_CAT_(a, b) HR_CAT_1_(a, b)
#define HR_17TH_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, ...) q
#define HR_COUNT_ARGS_(...) HR_17TH_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, ~)

/* An option is not an initialiser: ".topic = x" becomes the assignment "options .topic = x;". So the order is free, values need
 * not be constant, and every C++ takes it, before designators and after. */
#define HR_SET_1_(o, a) o a;
#define HR_SET_2_(o, a, ...) o a; HR_SET_1_(o, __VA_ARGS__)
#define HR_SET_3_(o, a, ...) o a; HR_SET_2_(o, __VA_ARGS__)
#define HR_SET_4_(o, a, ...) o a; HR_SET_3_(o, __VA_ARGS__)
#define HR_SET_5_(o, a, ...) o a; HR_SET_4_(o, __VA_ARGS__)
#define HR_SET_6_(o, a, ...) o a; HR_SET_5_(o, __VA_ARGS__)
#define HR_SET_7_(o, a, ...) o a; HR_SET_6_(o, __VA_ARGS__)
#define HR_SET_8_(o, a, ...) o a; HR_SET_7_(o, __VA_ARGS__)
#define HR_SET_9_(o, a, ...) o a; HR_SET_8_(o, __VA_ARGS__)
#define HR_SET_10_(o, a, ...) o a; HR_SET_9_(o, __VA_ARGS__)
#define HR_SET_11_(o, a, ...) o a; HR_SET_10_(o, __VA_ARGS__)
#define HR_SET_12_(o, a, ...) o a; HR_SET_11_(o, __VA_ARGS__)
#define HR_SET_13_(o, a, ...) o a; HR_SET_12_(o, __VA_ARGS__)
#define HR_SET_14_(o, a, ...) o a; HR_SET_13_(o, __VA_ARGS__)
#define HR_SET_15_(o, a, ...) o a; HR_SET_14_(o, __VA_ARGS__)
#define HR_SET_16_(o, a, ...) o a; HR_SET_15_(o, __VA_ARGS__)
#define HR_SET_N_(n) HR_CAT_(HR_CAT_(HR_SET_, n), _)
#define HR_SET_(o, ...) HR_SET_N_(HR_COUNT_ARGS_(__VA_ARGS__))(o, __VA_ARGS__)

#define HR_REST_NONE_(called)
#define HR_REST_SOME_(called, ...) , __VA_ARGS__
#define HR_REST_(...)                                                                                            \
    HR_CAT_(HR_CAT_(HR_REST_,                                                                                    \
                    HR_17TH_(__VA_ARGS__, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, SOME, \
                             SOME, SOME, SOME, NONE, ~)),                                                        \
            _)(__VA_ARGS__)

#define HR_DECLARE_(kind, called, ...) HR_DECLARE_1_(kind, called, __VA_ARGS__)
/* The struct means nothing: where the name is no identifier, its own name is in the first error. */
#define HR_DECLARE_1_(kind, called, ...)                                                                \
    struct hr_##kind##_takes_a_name_without_quotes_##called;                                            \
    static int hr_##kind##_body_##called(hr_task *self);                                                \
    __attribute__((__constructor__)) static void hr_##kind##_register_##called(void)                        \
    {                                                                                                   \
        static hr_##kind##_options options; /* zero: not given */                                       \
        HR_SET_(options, __VA_ARGS__)                                                                   \
        hr_register_##kind##_(HR_API_VERSION, sizeof options, &options, hr_##kind##_body_##called,      \
                              __FILE__, __LINE__);                                                      \
    }                                                                                                   \
    static int hr_##kind##_body_##called(HR_UNUSED hr_task *self)

#define HR_MEMBER_(kind, ...) hr_ctype_##kind##_ HR_FIRST_(__VA_ARGS__);
#define HR_FIELD_NAME_(...) HR_SECOND_(__VA_ARGS__, HR_STR_(HR_FIRST_(__VA_ARGS__)), ~)
#define HR_FIELD_DEFAULT_(...) HR_THIRD_(__VA_ARGS__, 0, 0, ~)
#define HR_ENTRY_(kind, ...)                                                               \
    {HR_FIELD_NAME_(__VA_ARGS__), kind, offsetof(hr_this_type, HR_FIRST_(__VA_ARGS__)),    \
     HR_DEFAULT_##kind##_(HR_FIELD_DEFAULT_(__VA_ARGS__))},
/* A default of a field that must be there does not compile, and the error names this macro. */
#define HR_ONLY_OPTIONAL_FIELDS_TAKE_A_DEFAULT_0 0
#define HR_NO_DEFAULT_(value) NULL, HR_CAT_(HR_ONLY_OPTIONAL_FIELDS_TAKE_A_DEFAULT_, value), 0.0
#define HR_DEFAULT_HR_STRING_(value) HR_NO_DEFAULT_(value)
#define HR_DEFAULT_HR_INT_(value) HR_NO_DEFAULT_(value)
#define HR_DEFAULT_HR_REAL_(value) HR_NO_DEFAULT_(value)
#define HR_DEFAULT_HR_BOOL_(value) HR_NO_DEFAULT_(value)
#define HR_DEFAULT_HR_OPT_STRING_(value) (const char *)(value), 0, 0.0
#define HR_DEFAULT_HR_OPT_INT_(value) NULL, (int64_t)(value), 0.0
#define HR_DEFAULT_HR_OPT_REAL_(value) NULL, 0, (double)(value)
#define HR_DEFAULT_HR_OPT_BOOL_(value) NULL, (value) ? 1 : 0, 0.0
/* clang-format on */

#endif
