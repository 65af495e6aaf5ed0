#!/usr/bin/env bash
# style.sh - the sizes of functions and files and the share of comments, for each folder.
#
# They are to be: functions in the median <= 15 lines, p90 <= 45, at most 80; files at most 400 lines; comments a
# fifth to a quarter. Only the two maxima make it fail.
set -eu
cd "$(dirname "$0")/.."
function_max=80 file_max=400

ctags --version 2>/dev/null | grep -q Universal || {
    echo "style.sh: universal-ctags is needed (apt-get install universal-ctags)" >&2
    exit 1
}

# One line for each function: its length, file, line, name.
functions() {
    ctags -x --kinds-C=f --_xformat='%{line} %{end} %{input} %{name}' "$@" |
        awk '$2 ~ /^[0-9]+$/ { print $2 - $1 + 1, $3, $1, $4 }'
}

# Lines with comments and lines with code, of C files.
count_comments() {
    awk 'function scan(line,   c, text) {
             text = c = 0
             while (line != "") {
                 if (inside) {
                     c = 1
                     if (!match(line, /\*\//)) return text + 2
                     line = substr(line, RSTART + 2); inside = 0
                 } else if (match(line, /^[ \t]+/)) line = substr(line, RLENGTH + 1)
                 else if (line ~ /^\/\//) return text + 2
                 else if (line ~ /^\/\*/) { inside = 1; c = 1; line = substr(line, 3) }
                 else if (match(line, /^"(\\.|[^"\\])*"/)) { text = 1; line = substr(line, RLENGTH + 1) }
                 else { text = 1; line = substr(line, 2) }
             }
             return text + 2 * c
         }
         FNR == 1 { inside = 0 }
         { kind = scan($0); code += kind % 2; comments += kind >= 2 }
         END { printf "%d %d\n", comments, code }' "$@"
}

failures=0
printf '%-12s %5s %6s %9s  %s\n' folder files lines comments 'functions (median, p90, max lines)'
for folder in supervisor worker shared conf tests; do
    mapfile -t files < <(find "$folder" -name '*.[ch]' 2>/dev/null | sort)
    [ ${#files[@]} -gt 0 ] || continue
    read -r comments code < <(count_comments "${files[@]}")
    lengths=$(functions "${files[@]}" | awk '{print $1}' | sort -n)
    figures=$(awk '{ a[NR] = $1 } END { if (NR) printf "%d (%d, %d, %d)", NR, a[int((NR + 1) / 2)],
                     a[int(NR * 0.9 + 0.999)], a[NR]; else printf "0" }' <<<"$lengths")
    printf '%-12s %5d %6d %8d%%  %s\n' "$folder" ${#files[@]} "$(cat "${files[@]}" | wc -l)" \
        $((100 * comments / (comments + code + 1))) "$figures"
    while read -r length file line name; do
        [ "${length:-0}" -le $function_max ] || {
            echo "style: $file:$line: $name has $length lines; at most $function_max" >&2
            failures=$((failures + 1))
        }
    done < <(functions "${files[@]}")
    for file in "${files[@]}"; do
        length=$(wc -l <"$file")
        [ "$length" -le $file_max ] || {
            echo "style: $file has $length lines; at most $file_max" >&2
            failures=$((failures + 1))
        }
    done
done
[ $failures -eq 0 ]
