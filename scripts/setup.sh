#!/usr/bin/env bash
# setup.sh [--kafka] [--fuzz] [--check] - installs what building and testing headrace needs.
#
# Does nothing, and asks nothing, where all of it is there. With --kafka also what scripts/kafka.sh needs,
# with --fuzz what `make fuzz` needs. With --check it only looks, and exits with 1 where something is missing.
set -eu

# name | how it is found | what Debian and Ubuntu call it | what it is
needs='
gcc         tool  gcc             a C compiler
make        tool  make            GNU make
pkg-config  tool  pkg-config      pkg-config
rdkafka     lib   librdkafka-dev  librdkafka 2.0.2 or newer
libzmq      lib   libzmq3-dev     libzmq 4.3 or newer
jansson     lib   libjansson-dev  jansson 2.14 or newer
jemalloc    lib   libjemalloc-dev jemalloc 5.0 or newer
libdw       lib   libdw-dev       libdw (elfutils) 0.170 or newer
check       lib   check           libcheck 0.15 or newer
'
kafka_needs='
java        tool  openjdk-17-jre-headless  Java 17
mvn         tool  maven                    Maven
openssl     tool  openssl                  openssl
'
fuzz_needs='
clang       tool    clang                    clang
libfuzzer   runtime libclang-rt-dev          the runtime of clang (libFuzzer)
'
declare -A at_least=([rdkafka]=2.0.2 [libzmq]=4.3 [jansson]=2.14 [jemalloc]=5.0 [libdw]=0.170 [check]=0.15)

check_only=
for option in "$@"; do
    case $option in
    --kafka) needs+=$kafka_needs ;;
    --fuzz) needs+=$fuzz_needs ;;
    --check) check_only=yes ;;
    *)
        echo "setup.sh: unknown option $option; use: setup.sh [--kafka] [--fuzz] [--check]" >&2
        exit 64
        ;;
    esac
done

there() { # NAME KIND
    case $2 in
    tool) command -v "$1" >/dev/null ;;
    runtime) echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
        clang -fsanitize=fuzzer,address -x c -o /dev/null - 2>/dev/null ;;
    lib) pkg-config --exists "$1 >= ${at_least[$1]}" 2>/dev/null ;;
    esac
}

# Fills `packages` and `missing` with what is not there.
look() {
    packages=() missing=()
    while read -r name kind package what; do
        [ -z "$name" ] || there "$name" "$kind" || { packages+=("$package") && missing+=("$what"); }
    done <<<"$needs"
}

name_missing() {
    echo "setup.sh: missing:" >&2
    printf '  %s\n' "${missing[@]}" >&2
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -n true 2>/dev/null || echo "setup.sh: installing as root, by sudo: $*" >&2
        sudo "$@"
    else
        name_missing
        echo "setup.sh: cannot become root (no sudo): as root, run: $*" >&2
        exit 1
    fi
}

look
[ ${#missing[@]} -gt 0 ] || exit 0
if [ -n "$check_only" ]; then
    name_missing
    echo "setup.sh: run scripts/setup.sh to install what is missing" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    name_missing
    echo "setup.sh: install these with the package manager of this system, then run it again" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
as_root apt-get update -qq
as_root apt-get install -y -qq --no-install-recommends "${packages[@]}" libc6-dev
look
if [ ${#missing[@]} -gt 0 ]; then
    name_missing
    echo "setup.sh: still missing after the installation: this system's packages may be too old" >&2
    exit 1
fi
