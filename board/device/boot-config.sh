#!/bin/sh
# Puts the lines of a file into config.txt of a running Pi, between markers, or takes ours out.
# usage: boot-config.sh LINES [CONFIG]; says "restart" where the change needs one
set -eu
lines=$1
config=${2:-/boot/firmware/config.txt}
# shellcheck disable=SC2016  # no command, but the text of the marker
begin='# trigger-word: begin (written by `python -m board prepare`)'
end='# trigger-word: end'

[ -e "$config" ] || exit 0
new=$config.new
awk -v begin="$begin" -v end="$end" '
    { sub(/\r$/, "") }
    $0 == begin { inside = 1 }
    !inside { line[++count] = $0 }
    $0 == end { inside = 0 }
    END {
        while (count > 0 && line[count] == "") count--
        for (number = 1; number <= count; number++) print line[number]
    }' "$config" >"$new"
if [ -s "$lines" ]; then
    { echo && echo "$begin" && echo "[all]" && cat "$lines" && echo "$end"; } >>"$new"
fi
if cmp -s "$new" "$config"; then
    rm -f "$new"
else
    sync "$new"
    mv "$new" "$config"
    echo restart
fi
