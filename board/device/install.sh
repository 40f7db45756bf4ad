#!/bin/sh
# Installs trigger-word from a folder, without a network. Runs as root on the device; may be run
# again at any time. Its last line says what went wrong and what to do.
#
# usage: install.sh FOLDER
#   FOLDER/packages/       packages and their index
#   FOLDER/version         of trigger-word
#   FOLDER/release         Debian's code name
#   FOLDER/architecture    as dpkg calls it
#   FOLDER/files/          files for /etc, if any (settings, ALSA, udev)
#   settings-state.sh      beside this script
# exit codes: 0 installed, 1 failed, 3 this is not the system that the folder is for
set -u
export DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin

folder=${1:?usage: install.sh FOLDER}
suggested=/var/lib/misc/trigger-word.suggested.toml
whose=$(sh "$(dirname "$0")/settings-state.sh")
work=$(mktemp -d /tmp/trigger-word-install.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT

say() { echo "trigger-word: $*"; }

refuse() {
    say "$1"
    exit 3
}

# Prints the reason why apt or dpkg failed, from the end of what it said.
reason() {
    for pattern in 'No space left' ' : Depends: ' '^(E|dpkg): ' '.'; do
        if found=$(grep -E "$pattern" "$work/apt.log" | tail -n 1) && [ -n "$found" ]; then
            echo "$found" | sed 's/^ *//'
            return
        fi
    done
}

apt() {
    # The folder is the only source, and nothing of it stays in apt's own lists.
    apt-get --yes --quiet --no-install-recommends --allow-downgrades \
        -o Dir::Etc::sourcelist="$work/bundle.list" -o Dir::Etc::sourceparts=- \
        -o Dir::State::lists="$work/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
        -o Acquire::Languages=none -o APT::Sandbox::User=root -o DPkg::Lock::Timeout=600 \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
        "$@" >>"$work/apt.log" 2>&1 </dev/null
}

check_system() {
    wanted=$(cat "$folder/release")
    # shellcheck source=/dev/null
    here=$(. /etc/os-release && echo "${VERSION_CODENAME:-unknown}")
    [ "$here" = "$wanted" ] ||
        refuse "this system is Debian $here, the packages are for $wanted; prepare with --release $here"
    wanted=$(cat "$folder/architecture")
    here=$(dpkg --print-architecture)
    [ "$here" = "$wanted" ] ||
        refuse "this system is $here, the packages are for $wanted; install the 64-bit system"
}

install_packages() {
    version=$(cat "$folder/version")
    say "installing version $version"
    # The index names no place of its own; the copy beside apt's lists keeps a read-only card whole.
    echo "deb [trusted=yes] file:$folder/packages ./" >"$work/bundle.list"
    mkdir -p "$work/lists/partial"
    : >"$work/apt.log"
    # A power cut in the middle of an earlier attempt leaves packages half configured.
    dpkg --force-confdef --force-confold --configure -a >>"$work/apt.log" 2>&1 </dev/null ||
        say "packages of an earlier attempt could not be configured: $(reason)"
    if apt update && apt install "trigger-word=$version"; then
        return 0
    fi
    sed 's/^/    /' "$work/apt.log"
    why=$(reason)
    case $why in
    *"No space left"* | *"enough free space"*)
        say "there is no room: $why; free space with: sudo apt-get clean" ;;
    *) say "the packages could not be installed: $why" ;;
    esac
    return 1
}

# Replaces a file at once and keeps its owner and mode.
replace() {
    from=$1 to=$2 mode=$3
    cmp -s "$from" "$to" && return 0
    mkdir -p "$(dirname "$to")"
    install -m 600 "$from" "$to.new" || return 1
    if [ -e "$to" ]; then
        chown --reference="$to" "$to.new" && chmod --reference="$to" "$to.new"
    else
        chmod "$mode" "$to.new"
    fi && sync "$to.new" && mv "$to.new" "$to" && say "wrote $to"
}

install_files() {
    if [ -e "$folder/files/trigger-word.toml" ]; then
        replace "$folder/files/trigger-word.toml" /etc/trigger-word.toml 640 || return 1
    fi
    # What fits the audio hardware is a suggestion: it never replaces what a person has decided.
    if [ -e "$folder/files/suggested.toml" ] && [ "$whose" = unset ]; then
        replace "$folder/files/suggested.toml" /etc/trigger-word.toml 640 || return 1
        replace "$folder/files/suggested.toml" "$suggested" 644 || return 1
    fi
    if [ -e "$folder/files/asound.conf" ]; then
        if [ -e /etc/asound.conf ] && [ ! -e /etc/asound.conf.before-trigger-word ]; then
            cmp -s "$folder/files/asound.conf" /etc/asound.conf ||
                cp -p /etc/asound.conf /etc/asound.conf.before-trigger-word || return 1
        fi
        replace "$folder/files/asound.conf" /etc/asound.conf 644 || return 1
    fi
    rule=/etc/udev/rules.d/91-trigger-word-mixer.rules
    if [ -e "$folder/files/mixer.rules" ]; then
        replace "$folder/files/mixer.rules" "$rule" 644 || return 1
    fi
}

start_service() {
    if [ ! -d /run/systemd/system ]; then
        say "the service starts with the next boot"
        return 0
    fi
    udevadm control --reload 2>/dev/null
    udevadm trigger --subsystem-match=sound --action=change 2>/dev/null
    systemctl daemon-reload
    systemctl enable --quiet trigger-word.service
    # Stopped first: who waits for the service to be ready must not see the old one.
    systemctl stop trigger-word.service
    systemctl start --no-block trigger-word.service
}

check_system
install_packages || exit 1
install_files || {
    say "the settings could not be written; is the card full or read-only?"
    exit 1
}
start_service || {
    say "the service could not be started; see: systemctl status trigger-word"
    exit 1
}
say "installed version $(dpkg-query -W -f='${Version}' trigger-word)"
