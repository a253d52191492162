// fill COUNT: shows how many frames a second the guest can draw: COUNT full screens, each filled with one colour and
// flushed, then COUNT squares of 64x64 pixels, each filled and flushed at another place.
#include "drm.h"

enum { SQUARE = 64 };

static void fill(struct picture *picture, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t color) {
  for (uint32_t row = y; row < y + height; row++) {
    uint32_t *pixels = picture->pixels + row * picture->stride_pixels + x;
    uint32_t length = width;
    __asm__ volatile("rep stosl" : "+D"(pixels), "+c"(length) : "a"(color) : "memory");
  }
}

static void print_rate(const char *what, uint32_t count, uint32_t start) {
  uint32_t elapsed = milliseconds() - start;
  print(what);
  print_number(count);
  print(" in ");
  print_number(elapsed);
  print(" ms, ");
  print_number(count * 1000 / (elapsed ? elapsed : 1));
  print(" per second\n");
}

int program(int argc, char **argv) {
  uint32_t count = argc > 1 ? parse_number(argv[1]) : 100;
  struct display display = open_display();
  struct picture picture = create_picture(display.card, display.mode.hdisplay, display.mode.vdisplay);
  uint32_t fb_id = show_picture(&display, &picture);

  uint32_t start = milliseconds();
  for (uint32_t i = 0; i < count; i++) {
    fill(&picture, 0, 0, picture.width, picture.height, i * 0x10305);
    flush(display.card, fb_id, 0, 0, picture.width, picture.height);
  }
  print_rate("full screens: ", count, start);

  start = milliseconds();
  for (uint32_t i = 0; i < count; i++) {
    uint32_t x = i * 37 % (picture.width - SQUARE), y = i * 53 % (picture.height - SQUARE);
    fill(&picture, x, y, SQUARE, SQUARE, ~i * 0x10305);
    flush(display.card, fb_id, x, y, SQUARE, SQUARE);
  }
  print_rate("64x64 squares: ", count, start);
  print("PASS\n");
  return 0;
}
