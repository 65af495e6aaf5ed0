#!/usr/bin/env bash
# broken.sh - breaks the slot protocol in a copy of the sources, one rule after the other, and has the simulator find it.
#
# tests/simulate/broken.list says what is broken, and how. For each: the first seed that finds it, and what it says. One that
# is not found within BROKEN_SECONDS (60), or whose place in the sources is not there any more, fails the run.
set -u
cd "$(dirname "$0")/.."
seconds=${BROKEN_SECONDS:-60} only=${1:-}

work=$(mktemp -d "${TMPDIR:-/tmp}/headrace-broken.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
tree=$work/tree
mkdir "$tree"
cp -R Makefile conf scripts shared supervisor tests worker "$tree"
make_it() { make -s -C "$tree" BUILD=build build/simulate >"$work/make.log" 2>&1; }
make_it || { cat "$work/make.log" >&2; exit 1; }
cp -R "$tree" "$work/whole"

mend() {
    for file in "${changed[@]}"; do
        cp "$work/whole/$file" "$tree/$file"
    done
}

# edit applies pairs of FILE and SED; each must change something.
edit() {
    while [ $# -gt 0 ]; do
        changed+=("$1")
        sed -z -i -E "$2" "$tree/$1"
        cmp -s "$tree/$1" "$work/whole/$1" && return 1
        shift 2
    done
}

bad=0 n=0
row() { printf '%-4s  %-62s %7s  %s\n' "$@"; }
missed() { # RULE WHAT WHY
    row "$1" "$2" - "$3"
    bad=$((bad + 1))
}

broken() { # RULE WHAT FILE SED [FILE SED]...
    local rule=$1 what=$2 seed said
    shift 2
    [[ -z $only || "$rule $what" == *"$only"* ]] || return 0
    changed=() n=$((n + 1))
    if ! edit "$@"; then
        missed "$rule" "$what" "THE PLACE IS NOT THERE"
    elif ! make_it; then
        missed "$rule" "$what" "DOES NOT COMPILE: $(grep -m1 error "$work/make.log")"
    elif SIM_FROM=1 SIM_SECONDS=$seconds timeout $((seconds + 30)) "$tree/build/simulate" >"$work/out" 2>&1; then
        missed "$rule" "$what" "NOT FOUND"
    else
        seed=$(sed -n 's/^simulate: seed \([0-9]*\) failed.*/\1/p' "$work/out" | head -n 1)
        said=$(grep -v '^simulate: seed' "$work/out" | grep -m1 . | sed -E 's/^simulate: //; s/^.* (fatal|error) //')
        row "$rule" "$what" "${seed:-?}" "${said:-(a fault)}"
    fi
    mend
}

row rule broken seed "what is said"
. tests/simulate/broken.list
[ $bad = 0 ] || echo "broken.sh: $bad of $n are not found" >&2
[ $bad = 0 ]
