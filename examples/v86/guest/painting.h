// Painting into a monitor's picture: rectangles in the desktop's coordinates, right and bottom exclusive.
#pragma once

#include "monitors.h"

enum { GLYPH_WIDTH = 8, GLYPH_HEIGHT = 16, KDFONTOP = 0x4b72, KD_FONT_OP_GET = 1 };

static const struct monitor *painted;
static uint8_t font[512 * 32];

// The console's own font: 32 bytes a character, of which the first 16 count.
static inline void load_font(void) {
  struct { uint32_t op, flags, width, height, count; uint8_t *data; } request = {
      .op = KD_FONT_OP_GET, .width = 32, .height = 32, .count = 512, .data = font};
  require(system_call(SYS_ioctl, 0, KDFONTOP, (long)&request), "KDFONTOP");
}

// A sine: 256 steps a turn, -127 to 127, by a parabola for each half.
static inline int32_t wave(int32_t angle) {
  int32_t half = angle & 127;
  int32_t height = half * (128 - half) * 127 / 4096;
  return angle & 128 ? -height : height;
}

static inline uint32_t rgb(int32_t red, int32_t green, int32_t blue) { return red << 16 | green << 8 | blue; }

static inline void begin_painting(const struct monitor *monitor) { painted = monitor; }

static inline void end_painting(const struct monitor *monitor, struct rect area) {
  flush(card, monitor->fb_id, area.left - monitor->left, area.top, area.right - area.left, area.bottom - area.top);
}

static inline uint32_t *pixel_at(int32_t x, int32_t y) {
  return painted->picture.pixels + y * painted->picture.stride_pixels + (x - painted->left);
}

static inline void fill(struct rect area, uint32_t color, struct rect clip) {
  area = intersect(area, clip);
  if (is_empty(area)) return;
  for (int32_t y = area.top; y < area.bottom; y++) {
    uint32_t *pixels = pixel_at(area.left, y);
    uint32_t length = area.right - area.left;
    __asm__ volatile("rep stosl" : "+D"(pixels), "+c"(length) : "a"(color) : "memory");
  }
}

static inline void paint_glyph(int32_t x, int32_t y, uint8_t character, uint32_t color, struct rect clip) {
  if (character == ' ') return;
  struct rect area = intersect((struct rect){x, y, x + GLYPH_WIDTH, y + GLYPH_HEIGHT}, clip);
  for (int32_t row = area.top; row < area.bottom; row++) {
    uint8_t bits = font[character * 32 + row - y];
    for (int32_t column = area.left; column < area.right; column++)
      if (bits >> (7 - (column - x)) & 1) *pixel_at(column, row) = color;
  }
}

static inline void paint_text(int32_t x, int32_t y, const char *text, uint32_t color, struct rect clip) {
  for (; *text; text++, x += GLYPH_WIDTH) paint_glyph(x, y, *text, color, clip);
}

// Both write at `to`, end what they have written, and return its end.
static inline char *put_text(char *to, const char *text) {
  while (*text) *to++ = *text++;
  *to = 0;
  return to;
}

static inline char *put_number(char *to, uint32_t value) {
  char digits[12];
  int count = 0;
  do digits[count++] = '0' + value % 10;
  while (value /= 10);
  while (count) *to++ = digits[--count];
  *to = 0;
  return to;
}
