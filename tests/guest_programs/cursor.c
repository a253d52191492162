// cursor HOT_X HOT_Y X Y [X Y ...]: shows a 64x64 cursor and moves its top left pixel to each point in turn; when standard
// input has a byte, the cursor goes.
//
// The pixel at (x, y) has alpha 255 where x + y < 56, 128 where x + y < 64, else 0; red x * 4, green y * 4, blue 128,
// each multiplied by alpha / 255 and rounded down.
#include "drm.h"

enum { SIZE = 64 };

static uint32_t cursor_pixel(uint32_t x, uint32_t y) {
  uint32_t alpha = x + y < 56 ? 255 : x + y < 64 ? 128 : 0;
  return alpha << 24 | x * 4 * alpha / 255 << 16 | y * 4 * alpha / 255 << 8 | 128 * alpha / 255;
}

int program(int argc, char **argv) {
  if (argc < 5) return 2;
  struct display display = open_display();
  struct picture picture = create_picture(display.card, SIZE, SIZE);
  for (uint32_t y = 0; y < SIZE; y++)
    for (uint32_t x = 0; x < SIZE; x++) picture.pixels[y * picture.stride_pixels + x] = cursor_pixel(x, y);

  struct cursor cursor = {.crtc_id = display.crtc_id, .width = SIZE, .height = SIZE,
      .hot_x = parse_number(argv[1]), .hot_y = parse_number(argv[2])};
  for (int i = 3; i + 1 < argc; i += 2) {
    cursor.flags = i == 3 ? CURSOR_BO | CURSOR_MOVE : CURSOR_MOVE;
    cursor.handle = picture.handle;
    cursor.x = parse_number(argv[i]);
    cursor.y = parse_number(argv[i + 1]);
    card_ioctl(display.card, MODE_CURSOR2, &cursor, "CURSOR2");
    print("PASS ");
    print(argv[i]);
    print(" ");
    print(argv[i + 1]);
    print("\n");
  }
  wait_for_byte();

  cursor.flags = CURSOR_BO;
  cursor.handle = 0;
  card_ioctl(display.card, MODE_CURSOR2, &cursor, "CURSOR2 (hide)");
  return 0;
}
