// The absolute pointer of VMware's virtual mouse, which v86 has too. This program asks the port itself, as X servers did,
// and so needs none of the kernel's drivers for mice.
#pragma once

#include "linux.h"

enum { SYS_iopl = 110, VMWARE_MAGIC = 0x564d5868, VMWARE_PORT = 0x5658 };
enum { VMMOUSE_DATA = 39, VMMOUSE_STATUS = 40, VMMOUSE_COMMAND = 41 };
enum { VMMOUSE_ENABLE = 0x45414552, VMMOUSE_ABSOLUTE = 0x53424152, VMMOUSE_RELATIVE = 0x10000 };

static struct { int32_t x, y, wheel; uint32_t buttons; } pointer; // buttons: left 1, middle 2, right 4

static inline uint32_t ask_mouse(uint32_t command, uint32_t argument, uint32_t words[3]) {
  uint32_t a = VMWARE_MAGIC, b = argument, c = command, d = VMWARE_PORT, si = 0, di = 0;
  __asm__ volatile("inl %%dx, %%eax" : "+a"(a), "+b"(b), "+c"(c), "+d"(d), "+S"(si), "+D"(di) : : "memory");
  words[0] = b;
  words[1] = c;
  words[2] = d;
  return a;
}

static inline void open_pointer(void) {
  uint32_t unused[3];
  require(system_call(SYS_iopl, 3, 0, 0), "iopl");
  ask_mouse(VMMOUSE_COMMAND, VMMOUSE_ENABLE, unused);
  ask_mouse(VMMOUSE_DATA, 1, unused); // its version
  ask_mouse(VMMOUSE_COMMAND, VMMOUSE_ABSOLUTE, unused);
}

// Takes the next thing that the mouse has to say; returns whether there was one. Places go from 0 to 65535.
static inline int read_pointer(int32_t width, int32_t height) {
  uint32_t words[3];
  uint32_t count = ask_mouse(VMMOUSE_STATUS, 0, words) & 0xffff;
  if (count < 4 || count == 0xffff) return 0;
  uint32_t status = ask_mouse(VMMOUSE_DATA, 4, words);
  pointer.buttons = (status >> 5 & 1) | (status >> 3 & 1) << 1 | (status >> 4 & 1) << 2;
  pointer.wheel = -(int8_t)words[2];
  if (status & VMMOUSE_RELATIVE) {
    pointer.x += (int32_t)words[0];
    pointer.y -= (int32_t)words[1];
  } else {
    pointer.x = words[0] * (uint32_t)width / 65535;
    pointer.y = words[1] * (uint32_t)height / 65535;
  }
  pointer.x = pointer.x < 0 ? 0 : pointer.x >= width ? width - 1 : pointer.x;
  pointer.y = pointer.y < 0 ? 0 : pointer.y >= height ? height - 1 : pointer.y;
  return 1;
}
