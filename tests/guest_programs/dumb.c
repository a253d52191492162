// dumb: shows a pattern in the display's preferred mode until standard input has a byte, then what was shown before.
//
// The pixel at (x, y) is red x & 255, green y & 255, blue (x >> 8) << 4 | y >> 8: every pixel of a screen is another.
#include "drm.h"

int program(int argc, char **argv) {
  (void)argc, (void)argv;
  struct display display = open_display();
  struct crtc before = {.crtc_id = display.crtc_id};
  card_ioctl(display.card, MODE_GETCRTC, &before, "GETCRTC");

  struct picture picture = create_picture(display.card, display.mode.hdisplay, display.mode.vdisplay);
  for (uint32_t y = 0; y < picture.height; y++)
    for (uint32_t x = 0; x < picture.width; x++)
      picture.pixels[y * picture.stride_pixels + x] =
          (x & 255) << 16 | (y & 255) << 8 | ((x >> 8) << 4 | y >> 8);
  uint32_t fb_id = show_picture(&display, &picture);
  flush(display.card, fb_id, 0, 0, picture.width, picture.height);

  print("PASS ");
  print_number(picture.width);
  print("x");
  print_number(picture.height);
  print(" stride ");
  print_number(picture.stride_pixels * 4);
  print("\n");
  wait_for_byte();

  before.connector_ids = (uintptr_t)&display.connector_id;
  before.connector_count = before.mode_valid ? 1 : 0;
  card_ioctl(display.card, MODE_SETCRTC, &before, "SETCRTC (restore)");
  return 0;
}
