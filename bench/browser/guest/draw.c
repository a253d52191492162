// draw KIND MILLISECONDS: draws for that time in one way, as fast as it can, and says how much it was: "begin", then
// "end COUNT", one line each. The kinds are
//   screens    the whole screen, filled with one colour and flushed
//   squares    64x64 pixels, filled and flushed, at another place each time
//   terminal   a terminal's picture, kept in plain memory: scrolled by a line, a line drawn, all of it copied to the screen
//              and flushed
//   console    lines printed on the kernel's console, each of which scrolls it
//   computing  nothing: one picture is shown before, and the guest computes
//   sleeping   nothing: one picture is shown before, and the guest sleeps
#include "drm.h"

enum { SQUARE = 64, COLUMNS = 128, PRINTABLE = '~' - '!' + 1 };
enum { GLYPH_WIDTH = 8, GLYPH_HEIGHT = 16, MAX_PIXELS = 1024 * 768 };
// A look at the clock costs about as much as a square on a VGA.
enum { SQUARES = 16, SUMS = 100000 };

static uint32_t begin(void) {
  print("begin\n");
  return milliseconds();
}

static void end(uint32_t count) {
  print("end ");
  print_number(count);
  print("\n");
}

static void fill(struct picture *picture, uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t color) {
  for (uint32_t row = y; row < y + height; row++) {
    uint32_t *pixels = picture->pixels + row * picture->stride_pixels + x;
    uint32_t length = width;
    __asm__ volatile("rep stosl" : "+D"(pixels), "+c"(length) : "a"(color) : "memory");
  }
}

struct screen { struct display display; struct picture picture; uint32_t fb_id; };

static struct screen show_screen(void) {
  struct display display = open_display();
  struct picture picture = create_picture(display.card, display.mode.hdisplay, display.mode.vdisplay);
  uint32_t fb_id = show_picture(&display, &picture);
  fill(&picture, 0, 0, picture.width, picture.height, 0x336699);
  flush(display.card, fb_id, 0, 0, picture.width, picture.height);
  return (struct screen){display, picture, fb_id};
}

static void draw_screen(struct screen *screen, uint32_t number) {
  struct picture *picture = &screen->picture;
  fill(picture, 0, 0, picture->width, picture->height, number * 0x10305);
  flush(screen->display.card, screen->fb_id, 0, 0, picture->width, picture->height);
}

static void draw_square(struct screen *screen, uint32_t number) {
  struct picture *picture = &screen->picture;
  uint32_t x = number * 37 % (picture->width - SQUARE), y = number * 53 % (picture->height - SQUARE);
  fill(picture, x, y, SQUARE, SQUARE, ~number * 0x10305);
  flush(screen->display.card, screen->fb_id, x, y, SQUARE, SQUARE);
}

static uint32_t draw_screens(uint32_t duration) {
  struct screen screen = show_screen();
  uint32_t count = 0, start = begin();
  while (milliseconds() - start < duration) draw_screen(&screen, count++);
  return count;
}

static uint32_t draw_squares(uint32_t duration) {
  struct screen screen = show_screen();
  uint32_t count = 0, start = begin();
  while (milliseconds() - start < duration)
    for (uint32_t i = 0; i < SQUARES; i++) draw_square(&screen, count++);
  return count;
}

static void move_pixels(uint32_t *to, const uint32_t *from, uint32_t length) {
  __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(length) : : "memory");
}

// A line of glyphs that differ from each other and from those of the line before, at the bottom of `pixels`.
static void draw_line(uint32_t *pixels, uint32_t width, uint32_t height, uint32_t number) {
  for (uint32_t row = 0; row < GLYPH_HEIGHT; row++) {
    uint32_t *line = pixels + (height - GLYPH_HEIGHT + row) * width;
    for (uint32_t x = 0; x < width; x++) {
      uint32_t glyph = (number + x / GLYPH_WIDTH) * 0x9e3779b1u >> row;
      line[x] = glyph >> x % GLYPH_WIDTH & 1 ? 0xaaaaaa : 0;
    }
  }
}

static uint32_t scroll_terminal(uint32_t duration) {
  static uint32_t pixels[MAX_PIXELS];
  struct screen screen = show_screen();
  struct picture *picture = &screen.picture;
  uint32_t width = picture->width, height = picture->height;
  if (width * height > MAX_PIXELS) require(-EINVAL, "a larger screen");
  uint32_t count = 0, start = begin();
  while (milliseconds() - start < duration) {
    move_pixels(pixels, pixels + GLYPH_HEIGHT * width, (height - GLYPH_HEIGHT) * width);
    draw_line(pixels, width, height, count++);
    for (uint32_t y = 0; y < height; y++)
      move_pixels(picture->pixels + y * picture->stride_pixels, pixels + y * width, width);
    flush(screen.display.card, screen.fb_id, 0, 0, width, height);
  }
  return count;
}

static uint32_t print_lines(uint32_t duration) {
  static const char at_bottom[] = "\033[999;1H";
  char line[COLUMNS];
  int console = system_call(SYS_open, (long)"/dev/tty0", O_RDWR, 0);
  require(console, "/dev/tty0");
  require(system_call(SYS_write, console, (long)at_bottom, sizeof at_bottom - 1), "the cursor");
  uint32_t count = 0, start = begin();
  while (milliseconds() - start < duration) {
    for (uint32_t at = 0; at < COLUMNS - 1; at++) line[at] = '!' + (count + at) % PRINTABLE;
    line[COLUMNS - 1] = '\n';
    require(system_call(SYS_write, console, (long)line, COLUMNS), "a line");
    count++;
  }
  return count;
}

static uint32_t compute(uint32_t duration) {
  volatile uint32_t sum = 0;
  show_screen();
  uint32_t start = begin();
  while (milliseconds() - start < duration)
    for (uint32_t i = 0; i < SUMS; i++) sum += i;
  return 0;
}

static uint32_t sleep_for(uint32_t duration) {
  show_screen();
  begin();
  system_call(SYS_poll, 0, 0, duration);
  return 0;
}

static const struct { const char *name; uint32_t (*draw)(uint32_t duration); } kinds[] = {
    {"screens", draw_screens}, {"squares", draw_squares}, {"terminal", scroll_terminal}, {"console", print_lines},
    {"computing", compute}, {"sleeping", sleep_for}};

static int is_equal(const char *a, const char *b) {
  while (*a && *a == *b) a++, b++;
  return *a == *b;
}

int program(int argc, char **argv) {
  for (uint32_t i = 0; argc > 2 && i < sizeof kinds / sizeof *kinds; i++) {
    if (!is_equal(argv[1], kinds[i].name)) continue;
    end(kinds[i].draw(parse_number(argv[2])));
    return 0;
  }
  require(-EINVAL, "the arguments");
  return 1;
}
