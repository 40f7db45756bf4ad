#!/bin/busybox sh
# The first program: finds the card, mounts the system read-only and the state beside it.
#
# The kernel's command line names the system as root=PARTUUID=DISK-02; its state is partition 3 of
# the same disk. A state that cannot be repaired is left as it is and a fresh one in memory stands
# in: a device that has lost its settings still listens.
export PATH=/bin
busybox mkdir -p /bin /proc /sys /dev /run /system
busybox mount -t proc proc /proc
busybox --install -s /bin
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=755,nosuid,nodev run /run

say() { echo "init: $*" >/dev/kmsg; }

fail() {
    say "$*; starting again in 10 s"
    sleep 10
    reboot -f
}

option() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

load_modules() {
    find /sys/devices -name modalias -exec cat {} + | sort -u | xargs modprobe -q -a 2>/dev/null
}

disk_id() { dd if="/dev/$1" bs=1 skip=440 count=4 2>/dev/null | od -An -tx4 | tr -d ' '; }

# partition DISK NUMBER: the name of that partition's device
partition() {
    for folder in "/sys/block/$1/$1"*; do
        [ "$(cat "$folder/partition")" = "$2" ] && echo "${folder##*/}"
    done
}

find_disk() {
    for folder in /sys/block/mmcblk*[0-9] /sys/block/sd* /sys/block/vd*; do
        name=${folder##*/}
        [ -b "/dev/$name" ] && [ "$(disk_id "$name")" = "$1" ] && echo "$name" && return
    done
}

wait_for_disk() {
    for _ in $(seq 120); do
        load_modules
        disk=$(find_disk "$1")
        [ -n "$disk" ] && [ -n "$(partition "$disk" 3)" ] && return
        sleep 0.5
    done
    fail "no disk $1"
}

mount_state() {
    mount -o bind /dev /system/dev
    chroot /system /usr/sbin/e2fsck -y "/dev/$1" >/dev/kmsg 2>&1
    umount /system/dev
    mount -t ext4 -o noatime,nodev,nosuid,errors=remount-ro "/dev/$1" /system/state && return
    say "the state on $1 cannot be used: settings are as delivered until the next start"
    mount -t tmpfs -o mode=755,nodev,nosuid state /system/state
}

# overlay NAME: the system's folder with what this device changed in it
overlay() {
    mkdir -p "/system/state/changes/$1" "/system/state/work/$1"
    mount -t overlay -o "lowerdir=/system/$1,upperdir=/system/state/changes/$1,workdir=/system/state/work/$1" \
        "$1" "/system/$1" || say "/$1 cannot be written to"
}

modprobe -a squashfs crc32c_generic ext4 overlay
disk_id=$(option root)
disk_id=${disk_id#PARTUUID=}
wait_for_disk "${disk_id%-*}"
mount -t squashfs -o ro "/dev/$(partition "$disk" 2)" /system || fail "no system on $disk"
mount_state "$(partition "$disk" 3)"
overlay etc
overlay var
modprobe -q bcm2835_wdt
for folder in proc sys dev run; do mount -o move "/$folder" "/system/$folder"; done
exec switch_root /system /sbin/init
