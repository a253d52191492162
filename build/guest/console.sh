#!/bin/busybox sh
# console: clears the foreground console, hides its cursor and writes a fixed text with every colour, so that the picture
# is the same on every boot.
exec >/dev/tty0
printf '\033[0m\033[2J\033[H\033[?25l'
printf 'Scanout: a virtio-gpu device for JavaScript hosts\n\n'
for row in 3 9; do
  for color in 0 1 2 3 4 5 6 7; do printf '\033[%d%dm %d%d ' "$row" "$color" "$row" "$color"; done
  printf '\033[0m\n'
done
for row in 4 10; do
  for color in 0 1 2 3 4 5 6 7; do printf '\033[%d%dm    ' "$row" "$color"; done
  printf '\033[0m\n'
done
printf '\n\033[1mbold\033[0m \033[4munderlined\033[0m \033[7mreverse\033[0m\n\n'
printf ' !"#$%%&()*+,-./0123456789:;<=>?@\n'
printf 'ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_\n'
printf 'abcdefghijklmnopqrstuvwxyz{|}~\n'
printf '\033[12;40H\033[33mrow 12, column 40\033[0m\n'
