#!/bin/busybox sh
# animate ROUNDS BLOCKS: draws /animation/whole, then ROUNDS times each of /animation/water, BLOCKS blocks further down.
#
# A block is 64 KiB: a frame arrives as several rectangles. Never one row: Linux 6.1 takes the end of a write that ends
# with its row for column 0, and tells the device of nothing.
draw() {
  dd if="$1" of=/dev/fb0 bs=64k seek="$2" conv=notrunc 2>/dev/null
}
draw /animation/whole 0
round=0
while [ "$round" -lt "$1" ]; do
  for frame in /animation/water/*; do draw "$frame" "$2"; done
  round=$((round + 1))
done
