#!/bin/sh
# Last step of mmdebstrap, called with the root folder of the guest: what the package manager cannot do.
set -eu
root=$1

rm -f "$root"/etc/ssh/ssh_host_*
: > "$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
echo quietcore-guest > "$root/etc/hostname"

# The modules of cloud-config run in the final stage: one Python start less.
# Nothing of this helps a guest that lives for minutes, and each costs start-up time.
systemctl --root="$root" --quiet mask \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
  systemd-pstore.service systemd-timesyncd.service getty@tty1.service cloud-init-hotplugd.socket \
  systemd-update-utmp.service systemd-binfmt.service modprobe@drm.service cloud-config.service
systemctl --root="$root" --quiet enable systemd-networkd.service ssh.service

# The core image of GRUB is put into the gap before the first partition (disk.py); update-grub works in the guest.
mkdir -p "$root/boot/grub/i386-pc"
cp "$root"/usr/lib/grub/i386-pc/*.mod "$root"/usr/lib/grub/i386-pc/*.lst "$root/boot/grub/i386-pc/"
chroot "$root" grub-mkimage -O i386-pc -o /boot/grub/core.img -p '(hd0,msdos1)/boot/grub' \
  biosdisk part_msdos ext2 normal linux search_label serial terminal echo test configfile
version=$(basename "$(ls -d "$root"/lib/modules/*)")
cat > "$root/boot/grub/grub.cfg" <<CFG
set timeout=0
search --no-floppy --label quietcore-root --set=root
menuentry Debian {
  linux /boot/vmlinuz-$version root=LABEL=quietcore-root ro console=ttyS0
  initrd /boot/initrd.img-$version
}
CFG
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/var/cache/debconf/*-old
