#!/bin/sh
# Installs a version on a running device so that a version that works stays: what was there before
# comes back if the service is not ready in time. Goes on when the connection is lost.
#
# usage: upgrade.sh start FOLDER SECONDS   begin, and return at once; "busy": one is under way
#        upgrade.sh wait SECONDS           wait for the end; print "STATE VERSION REASON" if it came
# STATE: installed, kept (not ready, as before), rolled-back, failed, restart
set -u
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

state=/var/lib/trigger-word-provision
service=trigger-word.service
settings="/etc/trigger-word.toml /etc/asound.conf /etc/udev/rules.d/91-trigger-word-mixer.rules
/var/lib/misc/trigger-word.suggested.toml"
here=$(cd "$(dirname "$0")" && pwd)

installed_version() {
    dpkg-query -W -f='${db:Status-Status} ${Version}' trigger-word 2>/dev/null |
        sed -n 's/^installed //p'
}

running() { systemctl is-active --quiet "$service" 2>/dev/null; }

# Ready is what the service itself says, with its first frames (Type=notify).
ready_within() {
    [ -d /run/systemd/system ] || return 0
    left=$1
    while [ "$left" -gt 0 ]; do
        if running; then
            sleep 3 # and stays so
            running && return 0
        fi
        sleep 1
        left=$((left - 1))
    done
    running
}

why_not_ready() {
    journalctl --unit "$service" --no-pager --quiet --output=cat --lines=20 2>/dev/null |
        grep -v -E '^(Starting|Started|Stopp|Scheduled|trigger-word.service:)' | tail -n 1
}

end_with() { # STATE VERSION REASON
    echo "$1 ${2:-none} $3" >"$state/result.new"
    sync "$state/result.new"
    mv "$state/result.new" "$state/result"
    exit 0
}

save_settings() {
    rm -rf "$state/before" && mkdir -p "$state/before" || return 1
    for file in $settings; do
        [ -e "$file" ] || continue
        mkdir -p "$state/before$(dirname "$file")" && cp -p "$file" "$state/before$file" || return 1
    done
}

restore_settings() {
    for file in $settings; do
        if [ -e "$state/before$file" ]; then
            cp -p "$state/before$file" "$file.new" && mv "$file.new" "$file"
        else
            rm -f "$file"
        fi
    done
}

# What is kept to come back to: our package alone, since what it needs stays installed.
keep_as_current() {
    find "$1/packages" -name '*.deb' ! -name 'trigger-word_*' -delete
    rm -rf "$1/files" "$state/current.old"
    [ ! -e "$state/current" ] || mv "$state/current" "$state/current.old"
    mv "$1" "$state/current"
    rm -rf "$state/current.old"
}

roll_back() { # VERSION REASON
    restore_settings
    if [ "$(cat "$state/current/version" 2>/dev/null)" = "$1" ]; then
        sh "$here/install.sh" "$state/current" >>"$state/log" 2>&1
    elif [ "$(installed_version)" = "$1" ]; then
        systemctl stop "$service" 2>/dev/null
        systemctl start --no-block "$service" 2>/dev/null
    else
        end_with failed "$(installed_version)" "$2; version $1 is not kept here, install it again"
    fi
    rm -rf "$state/candidate"
    if [ "$(installed_version)" = "$1" ] && ready_within "$seconds"; then
        end_with rolled-back "$1" "$2"
    fi
    end_with failed "$(installed_version)" "$2; going back to version $1 failed too"
}

run() {
    folder=$1 seconds=$2
    before=$(installed_version)
    worked=no
    if [ -n "$before" ]; then
        if [ ! -d /run/systemd/system ] || running; then worked=yes; fi
    fi
    rm -rf "$state/candidate"
    if ! cp -r "$folder" "$state/candidate" || ! save_settings; then
        rm -rf "$state/candidate"
        end_with failed "$before" "no room in /var; free space with: sudo apt-get clean"
    fi
    if ! sh "$here/install.sh" "$state/candidate" >"$state/log" 2>&1; then
        reason=$(tail -n 1 "$state/log" | sed 's/^trigger-word: //')
        if [ -n "$before" ]; then roll_back "$before" "$reason"; fi
        rm -rf "$state/candidate"
        end_with failed "$(installed_version)" "$reason"
    fi
    version=$(installed_version)
    if [ -e "$folder/files/config-lines" ] &&
        [ "$(sh "$here/boot-config.sh" "$folder/files/config-lines")" = restart ]; then
        keep_as_current "$state/candidate"
        end_with restart "$version" "restart the Pi to switch its audio hardware on"
    fi
    if ready_within "$seconds"; then
        keep_as_current "$state/candidate"
        end_with installed "$version" "ready"
    fi
    reason="not ready after $seconds s: $(why_not_ready)"
    if [ "$worked" = yes ]; then roll_back "$before" "$reason"; fi
    keep_as_current "$state/candidate"
    end_with kept "$version" "$reason"
}

mkdir -p "$state" && chmod 700 "$state" || exit 1
case ${1:-} in
start)
    exec 9>"$state/lock"
    flock --nonblock 9 || {
        echo busy
        exit 0
    }
    rm -f "$state/result"
    # A session of its own: it survives the connection. The lock is inherited and ends with it.
    setsid sh "$0" run "$2" "$3" >/dev/null 2>&1 </dev/null &
    echo started
    ;;
run) run "$2" "$3" ;;
wait)
    exec 9>"$state/lock"
    if flock --wait "$2" 9; then
        cat "$state/result" 2>/dev/null || echo "failed none it was interrupted; run it again"
    fi
    ;;
*)
    echo "usage: upgrade.sh start FOLDER SECONDS | wait SECONDS" >&2
    exit 2
    ;;
esac
