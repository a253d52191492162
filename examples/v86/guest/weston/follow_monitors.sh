#!/bin/busybox sh
# follow-monitors: has weston 10 follow monitors that were plugged in or out, or have another size, since the last call.
#
# It keeps an output's mode for as long as its monitor is there ("Detected a monitor change on head, not bothering to do
# anything about it"). So a monitor that has another size is taken out and put in again.
#
# A mouse that says where it is says so on the first output alone. With more outputs it has to say how it moves.
LOG=/run/weston.log
SIZES=/run/sizes

# announce CONNECTOR STATUS: has the connector be off, or as its driver finds it ("detect"), and tells weston.
announce() {
  echo "$2" >"$1/status"
  udevadm trigger --action=change /sys/class/drm/card0
}

# absences CONNECTOR: how often weston has found nothing there.
absences() {
  grep -c "head '${1##*/card0-}' .* is disconnected" "$LOG"
}

take_out_and_put_in() {
  before=$(absences "$1")
  announce "$1" off
  for try in $(seq 100); do
    [ "$(absences "$1")" = "$before" ] || break
    sleep 0.1
  done
  announce "$1" detect
}

mkdir -p "$SIZES"
for connector in /sys/class/drm/card0-*; do
  known="$SIZES/${connector##*/}"
  last=$(cat "$known" 2>/dev/null)
  size=$(head -n 1 "$connector/modes")
  [ "$size" = "$last" ] && continue
  echo "$size" >"$known"
  [ -n "$size" ] && [ -n "$last" ] && take_out_and_put_in "$connector"
done

case $(cat /sys/class/drm/card0-*/status | grep -cx connected) in
  0 | 1) protocol=VirtualPS/2 ;; # VMware's, which says where the pointer is
  *) protocol=ImPS/2 ;;
esac
for mouse in /sys/bus/serio/drivers/psmouse/serio*/protocol; do
  [ "$(cat "$mouse")" = "$protocol" ] || echo -n "$protocol" >"$mouse"
done
