#!/bin/sh
# Installs trigger-word at the first boot, from the card's boot partition, without a network.
# systemd runs it at every boot until it has worked; first-boot.log beside it tells how it went.
set -u

card=$(cd "$(dirname "$0")" && pwd)
boot=$(dirname "$card")
log=$card/first-boot.log
stage=/var/lib/trigger-word-first-boot
unit=trigger-word-first-boot.service

say() { echo "$*"; echo "$(date '+%Y-%m-%d %H:%M:%S') $*" >>"$log"; }

# The boot partition is readable for everybody: what is secret leaves it before anything else.
hide_secrets() {
    for name in user-data network-config; do
        if [ -e "$card/after/$name" ]; then
            mv "$card/after/$name" "$boot/$name"
        fi
    done
    if [ -d "$card/files" ]; then
        cp -r "$card/files" "$stage/files.new" && rm -rf "${stage:?}/files" &&
            mv "$stage/files.new" "$stage/files" && sync && rm -rf "${card:?}/files"
    fi
}

prepare_stage() {
    mkdir -p "$stage" && chmod 700 "$stage" && rm -rf "${stage:?}/files.new" &&
        cp "$card/version" "$card/release" "$card/architecture" "$stage/" &&
        ln -sfn "$card/packages" "$stage/packages"
}

finish() {
    touch "$card/installed"
    rm -rf "$card/packages" "$card/after" "$stage"
    if [ -d /run/systemd/system ]; then
        systemctl disable --quiet "$unit"
    fi
    rm -f "/etc/systemd/system/$unit"
    sync
}

if [ -e "$card/installed" ]; then
    finish
    exit 0
fi

say "first boot of $(hostname): $(tr -d '\0' 2>/dev/null </proc/device-tree/model || echo no Pi)"
if ! prepare_stage || ! hide_secrets; then
    say "FAILED: /var or the boot partition is full or read-only (it is tried again at the next boot)"
    exit 1
fi
output=$(sh "$card/install.sh" "$stage" 2>&1)
code=$?
echo "$output" | sed 's/^/  /' | tee -a "$log"
if [ "$code" -ne 0 ]; then
    why=$(echo "$output" | tail -n 1 | sed 's/^trigger-word: //')
    say "FAILED: $why (it is tried again at the next boot)"
    exit "$code"
fi
say "done; is it listening? systemctl status trigger-word"
finish
