#!/bin/busybox sh
# The guest's first process: mounts what Linux needs, then obeys commands on the serial line.
#
# A command comes as one line, NUMBER COMMAND; the answer is
#   \001NUMBER        before the command's output
#   \002NUMBER STATUS after it
# so that whoever listens can tell the output from everything else. virtio_gpu is not loaded here: a command does it,
# so a saved state of this guest serves every test.

export PATH=/bin HOME=/ TERM=linux
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /tmp /run
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run

# begin PROGRAM ARGUMENTS: starts a program that shows something, and returns when it says "ready" (or "done").
# step PROGRAM: lets it go on, and returns when it says one of the two again. Both print what it has printed since.
# end PROGRAM: lets it go on, and returns when it says "done". Prints all that it has printed.
begin() {
  rm -f "/run/$1.go" "/run/$1.out"
  mkfifo "/run/$1.go"
  "$@" <>"/run/$1.go" >"/run/$1.out" 2>&1 &
  until grep -qE '^(ready|done)$' "/run/$1.out"; do sleep 0.02; done 2>/dev/null
  cat "/run/$1.out"
}
step() {
  lines=$(wc -l <"/run/$1.out")
  echo 1<>"/run/$1.go"
  until tail -n "+$((lines + 1))" "/run/$1.out" | grep -qE '^(ready|done)$'; do sleep 0.02; done
  tail -n "+$((lines + 1))" "/run/$1.out"
}
end() {
  echo 1<>"/run/$1.go"
  until grep -q '^done$' "/run/$1.out"; do sleep 0.02; done
  cat "/run/$1.out"
}

# From here on the kernel's own lines stay in its log (dmesg); only an emergency may interrupt an answer.
dmesg -n 1

exec </dev/ttyS0 >/dev/ttyS0 2>&1
stty raw -echo
printf '\nscanout guest ready: Linux %s\n' "$(uname -r)"

# What goes on behind a command is the first process's child once the command's shell has gone, and its end would interrupt
# the reading of a line, of which busybox then forgets what it has read. So the loop has a process of its own.
obey() {
  while true; do
    IFS=' ' read -r number command || continue
    printf '\001%s\n' "$number"
    (eval "$command") </dev/null
    printf '\002%s %s\n' "$number" "$?"
  done
}
obey </dev/ttyS0 &
wait
