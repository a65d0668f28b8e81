# The sample city of bin/run: what it is made of, how it is set up once, how it is started. Sourced by bin/run.
# shellcheck shell=bash
# shellcheck disable=SC2154  # root, run_folder and the programs come from common.sh

run_port=${RUN_PORT:-8080}
metrics_port=${RUN_METRICS_PORT:-9090}
absensi_port=$((run_port + 1))
surat_port=$((run_port + 2))
kinerja_port=$((run_port + 3))
issuer="http://localhost:$run_port"

# Sample civil servants, one of each of three agencies: born 18xx, they cannot exist.
sample_people=(
    "189102091926021001|Ahmad Rahman Tanjung, Dinas Komunikasi dan Informatika"
    "188505041912112001|Rahma Al-Farisi, RSUD Nusa Contoh"
    "189809201922122001|Yuni Nugroho Wijaya, Dinas Kebudayaan dan Pariwisata"
)

gapura() { GAPURA_CONFIG="$run_folder/gapura.yaml" "$gapura_program" "$@"; }

prepare_programs() {
    # Only a start that builds looks at packages: it costs time.
    if [ ! -x "$gapura_program" ] || [ ! -x "$e_kinerja_program" ] || ! command -v php >/dev/null || ! command -v curl >/dev/null; then
        need_packages "$root/bin/lib/packages-run.txt"
        need_swift
    fi
    build_gapura
    build_e_kinerja
}

# Everything that is done once. Each step may be done again, so a start that was interrupted is simply repeated.
prepare_city() {
    umask 077
    mkdir -p "$run_folder/secrets" "$run_folder/logs"
    write_settings
    [ ! -e "$run_folder/ready" ] || return 0

    say "Menyiapkan Kota Nusa Contoh: basis data, kunci, 10.000 pegawai, aplikasi …" \
        "Setting up the city of Nusa Contoh: database, keys, 10,000 people, applications …"
    local contoh="$root/examples/kota-contoh"
    {
        gapura setup
        gapura personnel load "$contoh/siasn-2026-09.xlsx" --units "$contoh/ref-unor-2026-09.csv" --apply
        register e-absensi "e-Absensi" "Badan Kepegawaian dan Pengembangan SDM" "Catat kehadiran harian" \
            "$absensi_port" /login.php /callback.php /backchannel.php RS256
        register e-surat "e-Surat" "Dinas Komunikasi dan Informatika" "Surat masuk dan disposisi" \
            "$surat_port" /login.php /callback.php /backchannel.php HS256
        register e-kinerja "e-Kinerja" "Badan Kepegawaian dan Pengembangan SDM" "Sasaran dan penilaian kinerja" \
            "$kinerja_port" /login /callback /backchannel-logout ES256
    } >"$run_folder/logs/setup.log" 2>&1 || {
        tail -n 5 "$run_folder/logs/setup.log" >&2
        fail "Penyiapan gagal; selengkapnya di $run_folder/logs/setup.log." "Setting up failed; see $run_folder/logs/setup.log."
    }
    # The first link that setup printed is dead as soon as the next one is issued; it stands in no file.
    rm -f "$run_folder/logs/setup.log"
    print_links
    touch "$run_folder/ready"
}

# Written at each start: the folder may have been moved.
write_settings() {
    cat >"$run_folder/gapura.yaml" <<YAML
# Written by bin/run at each start; change bin/lib/city.sh instead, or set GAPURA_… variables.
issuer: $issuer
listen: 127.0.0.1:$run_port
metrics_listen: 127.0.0.1:$metrics_port
database: "sqlite:$run_folder/data/gapura.sqlite"
data_folder: "$run_folder/data"
keys_folder: "$run_folder/keys"
# The sample city's people cannot exist, and its applications speak plain http on this machine: never for a real city.
accepts_fixtures: true
test_hosts: [127.0.0.1]
outgoing_networks: [127.0.0.0/8]
YAML
}

# register SLUG NAME AGENCY DESCRIPTION PORT LOGIN CALLBACK BACKCHANNEL ALGORITHM
register() {
    local slug=$1 base="http://127.0.0.1:$5" answer secret
    gapura application add --slug "$slug" --name "$2" --agency "$3" --description "$4" \
        --contact "Diskominfo Kota Nusa Contoh" --url "$base$6" --state aktif
    gapura application access "$slug" --everyone
    answer=$(gapura client add --application "$slug" --client-id "$slug" --client-name "$2" \
        --redirect-uri "$base$7" --post-logout-redirect-uri "$base/" --backchannel-logout-uri "$base$8" \
        --id-token-alg "$9" --scope "openid profile asn" --json)
    secret=$(json_member client_secret <<<"$answer")
    if [ -z "$secret" ] && [ ! -s "$run_folder/secrets/$slug" ]; then
        # Told once, and that start was interrupted.
        secret=$(gapura client secret "$slug" --json | json_member client_secret)
    fi
    [ -z "$secret" ] || printf '%s\n' "$secret" >"$run_folder/secrets/$slug"
}

print_links() {
    local person
    echo
    say "Tautan sekali pakai untuk membuat kata sandi (berlaku 24 jam):" "One-time links to set a password (good for 24 hours):"
    print_link admin "admin pertama / the first admin"
    for person in "${sample_people[@]}"; do print_link "${person%%|*}" "${person#*|}"; done
    echo
}

print_link() {
    printf '  %-18s  %s\n    %s\n' "$1" "$2" "$(gapura account link "$1" --json | json_member link)"
}

# MARK: Running

children=()

start_city() {
    need_free_port "$run_port" "$absensi_port" "$surat_port" "$kinerja_port" "$metrics_port"
    trap 'stop_city 0' INT TERM HUP
    trap 'stop_city $?' EXIT

    GAPURA_CONFIG="$run_folder/gapura.yaml" start gapura "$gapura_program" serve
    start_application e-absensi "$absensi_port" php -S "127.0.0.1:$absensi_port" -t "$root/examples/e-absensi/public"
    start_application e-surat "$surat_port" php -S "127.0.0.1:$surat_port" -t "$root/examples/e-surat/public"
    start_application e-kinerja "$kinerja_port" "$e_kinerja_program" --port "$kinerja_port"

    wait_until_answers "$issuer/livez"
    local port
    for port in "$absensi_port" "$surat_port" "$kinerja_port"; do wait_until_answers "http://127.0.0.1:$port/style.css"; done
    print_addresses

    # Whoever ends first ends all.
    wait -n "${children[@]}" || true
    fail "Satu bagian berhenti sendiri; lihat $run_folder/logs." "One part ended by itself; see $run_folder/logs."
}

start_application() {
    local slug=$1 port=$2
    shift 2
    GAPURA_ISSUER="$issuer" CLIENT_ID="$slug" CLIENT_SECRET_FILE="$run_folder/secrets/$slug" \
        BASE_URL="http://127.0.0.1:$port" DATA_FOLDER="$run_folder/data-$slug" start "$slug" "$@"
}

# Starts a program that ends with this script however that ends, kill -9 included.
start() {
    local name=$1
    shift
    setpriv --pdeathsig TERM -- "$@" >"$run_folder/logs/$name.log" 2>&1 </dev/null &
    children+=("$!")
}

wait_until_answers() {
    local tries child
    for tries in {1..300}; do
        if curl -fsS -o /dev/null --noproxy '*' --max-time 2 "$1" 2>/dev/null; then return 0; fi
        for child in "${children[@]}"; do
            kill -0 "$child" 2>/dev/null || {
                tail -qn 3 "$run_folder"/logs/*.log >&2
                fail "Satu bagian tidak mau berjalan; lihat $run_folder/logs." "One part does not start; see $run_folder/logs."
            }
        done
        sleep 0.05
    done
    fail "$1 tidak menjawab ($tries kali dicoba); lihat $run_folder/logs." "$1 does not answer ($tries tries); see $run_folder/logs."
}

need_free_port() {
    local port
    for port in "$@"; do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            fail "Porta $port sedang dipakai program lain. Hentikan program itu, atau jalankan: RUN_PORT=8180 RUN_FOLDER=.run-8180 bin/run" \
                "Port $port is in use by another program. Stop it, or run: RUN_PORT=8180 RUN_FOLDER=.run-8180 bin/run"
        fi
    done
}

print_addresses() {
    cat <<TEXT
Kota Nusa Contoh siap / is ready:
  portal      $issuer
  e-absensi   http://127.0.0.1:$absensi_port
  e-surat     http://127.0.0.1:$surat_port
  e-kinerja   http://127.0.0.1:$kinerja_port
Masuk dengan NIP dan kata sandi. Tautan baru untuk membuat kata sandi: bin/gapura account link NIP (atau admin)
  Sign in with NIP and password. Another link to set a password: bin/gapura account link NIP (or admin)
Ctrl-C menghentikan semuanya.
  Ctrl-C stops everything.
TEXT
}

# TERM to all, up to 30 s for what is under way, then KILL.
stop_city() {
    trap '' INT TERM HUP
    trap - EXIT
    local child left
    for child in "${children[@]}"; do kill -TERM "$child" 2>/dev/null || true; done
    for ((left = 300; left > 0; left--)); do
        kill -0 "${children[@]}" 2>/dev/null || break
        sleep 0.1
    done
    for child in "${children[@]}"; do kill -KILL "$child" 2>/dev/null || true; done
    wait
    exit "$1"
}
