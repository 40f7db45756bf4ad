#!/bin/sh
# Says whose the settings of this device are: "own" where a person has decided something, "unset"
# where there are none, or only those that came with the package or with the audio hardware.
settings=/etc/trigger-word.toml
suggested=/var/lib/misc/trigger-word.suggested.toml

packaged=$(dpkg-query -W -f='${Conffiles}\n' trigger-word 2>/dev/null |
    awk -v file="$settings" '$1 == file { print $2 }')
if [ ! -e "$settings" ] || cmp -s "$settings" "$suggested" ||
    [ "$(md5sum <"$settings" | cut -d ' ' -f 1)" = "$packaged" ]; then
    echo unset
else
    echo own
fi
