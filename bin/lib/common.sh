# Shared by the scripts in bin/: sourced, never run. Sets `root` and the few words that every script needs.
# shellcheck shell=bash
# shellcheck disable=SC2034  # what is set here is used by the scripts

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Debug builds and a folder of their own are for tests; who just starts the city sets none of these.
run_folder=$(realpath -m -- "${RUN_FOLDER:-$root/.run}")
run_build=${RUN_BUILD:-release}

# A line for people: Indonesian, then English.
say() { printf '%s\n  %s\n' "$1" "$2"; }

# Says what is wrong and what to do, and ends the script.
fail() {
    printf 'Galat: %s\nError: %s\n' "$1" "$2" >&2
    exit 1
}

# Installs the Debian packages named in the given lists that are missing.
need_packages() {
    local wanted missing
    # Elsewhere people know their own packages; the build says what it misses.
    command -v dpkg-query >/dev/null || return 0
    wanted=$(cat "$@" | grep -v '^#' | sort -u)
    missing=$(comm -23 <(echo "$wanted") <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u))
    [ -n "$missing" ] || return 0
    missing=$(tr '\n' ' ' <<<"$missing")
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
            fail "Paket Debian belum terpasang: $missing. Jalankan sebagai root: apt-get install $missing" \
                "Debian packages are missing: $missing. Run as root: apt-get install $missing"
        fi
        as_root=(sudo)
    fi
    say "Memasang paket Debian: $missing" "Installing Debian packages: $missing"
    # Words, on purpose: a list of package names.
    # shellcheck disable=SC2086
    if ! { "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null; }; then
        fail "apt-get gagal memasang: $missing. Periksa jaringan dan ruang disk, lalu ulangi." \
            "apt-get could not install: $missing. Check the network and disk space, then try again."
    fi
}

# The Swift toolchain cannot come from Debian.
need_swift() {
    swift --version >/dev/null 2>&1 ||
        fail "Swift 6.3 tidak ditemukan atau tidak dapat berjalan. Pasang dari swift.org, lalu pastikan 'swift --version' menjawab." \
            "Swift 6.3 is not found or cannot run. Install it from swift.org and see that 'swift --version' answers."
}

# The two programs.
gapura_program="$root/.build/$run_build/gapura"
e_kinerja_program="$root/.build-e-kinerja/$run_build/e-kinerja"

# Builds a program if anything it is made of changed since it was last built.
#   build_if_changed STAMP SOURCES... -- COMMAND...
build_if_changed() {
    local stamp=$1 sources=()
    shift
    while [ "$1" != -- ]; do sources+=("$1") && shift; done
    shift
    if [ -e "$stamp" ] && [ -z "$(find "${sources[@]}" -newer "$stamp" -print -quit)" ]; then return 0; fi
    # From before the build: what is edited meanwhile is built again.
    touch "$stamp.new"
    "$@" || fail "Pembangunan gagal; lihat pesan di atas." "The build failed; see the lines above."
    mv "$stamp.new" "$stamp"
}

build_gapura() {
    mkdir -p "$root/.build"
    build_if_changed "$root/.build/gapura-$run_build.built" "$root/Sources" "$root/Package.swift" -- \
        swift build --package-path "$root" -c "$run_build" --product gapura
}

build_e_kinerja() {
    mkdir -p "$root/.build-e-kinerja"
    build_if_changed "$root/.build-e-kinerja/e-kinerja-$run_build.built" \
        "$root/examples/e-kinerja/Sources" "$root/examples/e-kinerja/Package.swift" \
        "$root/Sources/GapuraTokens" "$root/Sources/GapuraFormats" "$root/Sources/COpenSSL" "$root/Package.swift" -- \
        swift build --package-path "$root/examples/e-kinerja" --scratch-path "$root/.build-e-kinerja" -c "$run_build"
}

# A member of a JSON object on the standard input.
# shellcheck disable=SC2016  # PHP's variables
json_member() { php -r '$o = json_decode(stream_get_contents(STDIN), true); echo $o[$argv[1]] ?? "";' "$1"; }
