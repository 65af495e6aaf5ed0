#!/usr/bin/env bash
# librdkafka.sh [VERSION] - fetches a current librdkafka and prints its path, for LD_PRELOAD: tests over another one than
# the one that headrace is built against.
#
# The Python package confluent-kafka brings one as a shared object, with what it needs beside it. pip fetches it once for
# each VERSION (of the package, whose numbers are those of the library; without one, the newest that pip finds for this
# machine), and it is kept in a cache folder.
set -eu

version=${1:-newest}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/headrace/librdkafka-$version
python=$(command -v python3) || python=python3

give_up() {
    echo "librdkafka.sh: $*" >&2
    exit 1
}

case $version in
-h | --help)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" && echo
    exit 0
    ;;
newest) wanted=confluent-kafka ;;
[0-9]*) wanted=confluent-kafka==$version ;;
*) give_up "VERSION is a number, as in 2.6.1, not $version" ;;
esac

# librdkafka's name has a part that is made of its content.
library_in() { # FOLDER
    local found=("$1"/confluent_kafka.libs/librdkafka*.so*)
    [ -e "${found[0]}" ] && echo "${found[0]}"
}

# Put in place in one step, so that half of a package is never used.
fetch() {
    "$python" -m pip --version >/dev/null 2>&1 || give_up "pip is missing; install python3-pip, or fetch confluent-kafka by hand"
    mkdir -p "$(dirname "$cache")"
    work=$(mktemp -d "$cache.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: --dest "$work" "$wanted" \
        >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2 && give_up "pip could not fetch $wanted (its last lines are above)"; }
    "$python" -m zipfile -e "$work"/confluent_kafka-*.whl "$work/wheel"
    library_in "$work/wheel" >/dev/null || give_up "there is no librdkafka in $wanted"
    chmod -R go-w "$work/wheel"
    mv -T "$work/wheel" "$cache" 2>/dev/null || [ -d "$cache" ] # another one was quicker
}

library_in "$cache" || { fetch && library_in "$cache"; }
