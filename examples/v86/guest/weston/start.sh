#!/bin/busybox sh
# start-weston: loads what weston needs of the kernel, lets udev tell it of the screen, the keyboard and the mouse, and
# starts it. It goes on in the background.
export PATH=/bin:/usr/bin HOME=/root SHELL=/bin/sh XDG_CONFIG_DIRS=/etc/xdg XDG_RUNTIME_DIR=/run/user

modprobe -a virtio_pci virtio_gpu evdev psmouse
mkdir -p /dev/pts /dev/shm /root /lib/systemd
mkdir -m 700 -p "$XDG_RUNTIME_DIR"
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
ln -sf /bin/udevadm /lib/systemd/systemd-udevd # the same program by another name

/lib/systemd/systemd-udevd --daemon --resolve-names=never
udevadm trigger --subsystem-match=drm --subsystem-match=input
udevadm settle

follow-monitors
setsid weston --tty=1 --log=/run/weston.log </dev/tty1 >/run/weston.out 2>&1 &
udevadm monitor --udev --subsystem-match=drm | while read -r line; do
  case $line in UDEV*) follow-monitors ;; esac
done >/run/follow-monitors.out 2>&1 &
