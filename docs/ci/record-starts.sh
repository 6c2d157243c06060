#!/bin/sh
# Starts a k3s server N times and keeps the log of each start, for `k3slog compare` and `k3slog gate`.
#
#   record-starts.sh container IMAGE FOLDER N [ARGUMENT of k3s server…]
#   record-starts.sh unit      k3s   FOLDER N      (as root; restarts the unit of this machine, data is kept)
#
# A container is new each time, so that every start is a first start; a unit's starts are restarts. TIMEOUT (seconds,
# 300) is how long a start may take: it is recorded all the same, and counts as one that was never seen ready.
# DOCKER may name another program that takes the same commands.
set -eu

die() { echo "record-starts: $*" >&2; exit 2; }

[ $# -ge 4 ] || die "usage: record-starts.sh container|unit IMAGE|UNIT FOLDER N [ARGUMENT…]"
kind=$1 what=$2 folder=$3 number=$4
shift 4
docker=${DOCKER:-docker}
timeout=${TIMEOUT:-300}
case $number in '' | *[!0-9]*) die "$number is not a number of starts" ;; esac
mkdir -p "$folder"

# Waits until the command given as arguments succeeds, or the time is up, or the container is gone.
wait_for() {
    end=$(($(date +%s) + timeout))
    while ! "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$end" ] || return 0
        still_runs || return 0
        sleep 1
    done
    sleep 3 # the lines that follow readiness
}

in_container() {
    name=k3slog-start-$$-$1
    shift
    still_runs() { [ "$("$docker" inspect -f '{{.State.Running}}' "$name" 2>/dev/null)" = true ]; }
    trap '"$docker" rm -f "$name" >/dev/null 2>&1 || :' EXIT INT TERM
    "$docker" run -d --privileged --hostname k3slog-gate --name "$name" "$what" server "$@" >/dev/null
    wait_for "$docker" exec "$name" kubectl get --raw /readyz
    "$docker" logs --timestamps "$name" >"$file.part" 2>&1
    "$docker" rm -f "$name" >/dev/null
    trap - EXIT INT TERM
}

of_unit() {
    still_runs() { systemctl is-active --quiet "$what" || systemctl is-failed --quiet "$what"; }
    began=$(date '+%Y-%m-%d %H:%M:%S')
    systemctl restart --no-block "$what"
    wait_for k3s kubectl get --raw /readyz
    journalctl -u "$what" --since "$began" -o export >"$file.part"
}

n=1
while [ "$n" -le "$number" ]; do
    file=$folder/start-$(printf %03d "$n").log
    case $kind in
    container) in_container "$n" "$@" ;;
    unit) of_unit ;;
    *) die "$kind is neither container nor unit" ;;
    esac
    mv "$file.part" "$file"
    echo "start $n of $number: $file" >&2
    n=$((n + 1))
done
