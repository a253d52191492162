// desktop: windows on all monitors, drawn by the CPU into dumb buffers of the DRM card and flushed as what was damaged.
// Keys come from standard input, a virtual terminal; the pointer, absolute, from the port of VMware's mouse that v86 has.
// The cursor is the card's. Monitors may change, come and go at any time; they stand side by side from left to right.
#include "drm.h"
#include "monitors.h"
#include "painting.h"
#include "pointer.h"
#include "terminal.h"

// tcc calls it for structures, where gcc calls memcpy.
void *memmove(void *to, const void *from, size_t length) {
  if (to <= from) return memcpy(to, from, length);
  while (length--) ((volatile char *)to)[length] = ((const char *)from)[length];
  return to;
}

enum { FRAME_MILLISECONDS = 16, BAR = 26, TITLE = 22, WINDOWS = 3, NEXT_MODE = 14 };
enum { PLASMA, SHELL, METER };

struct window { const char *title; int32_t x, y, width, height; }; // of what is in it; frame and title are around it
static struct window windows[WINDOWS] = {
    [PLASMA] = {"Plasma", 560, 70, 320, 224},
    [SHELL] = {"Shell", 40, 90, TERMINAL_COLUMNS * GLYPH_WIDTH + 8, TERMINAL_ROWS * GLYPH_HEIGHT + 8},
    [METER] = {"Mouse", 590, 350, 260, 150},
};
static int order[WINDOWS] = {METER, PLASMA, SHELL}; // the last is in front
static int dragged = -1, drag_x, drag_y, level = 50;
static uint32_t frame_rate, now;

static struct rect frame_of(const struct window *window) {
  return (struct rect){window->x - 2, window->y - TITLE - 2, window->x + window->width + 2, window->y + window->height + 2};
}

static void paint_plasma(const struct window *window, struct rect clip) {
  uint32_t time = now / 24;
  struct rect area = intersect(clip, (struct rect){window->x, window->y, window->x + window->width, window->y + window->height});
  for (int32_t y = area.top; y < area.bottom; y++) {
    uint32_t *row = pixel_at(area.left, y);
    int32_t v = y - window->y;
    int32_t vertical = wave(v * 2 + time * 2) + wave(v + 64 - time * 3);
    for (int32_t x = area.left; x < area.right; x++) {
      int32_t u = x - window->x;
      int32_t sum = vertical + wave(u * 2 - time) + wave((u + v) + time * 2);
      *row++ = rgb(128 + (wave(sum / 4) >> 1) , 96 + (wave(sum / 4 + 85) * 3 >> 3), 160 + (wave(sum / 4 + 170) * 3 >> 3));
    }
  }
}

static void paint_shell(const struct window *window, struct rect clip) {
  fill((struct rect){window->x, window->y, window->x + window->width, window->y + window->height}, 0x14171c, clip);
  for (int32_t row = 0; row < TERMINAL_ROWS; row++)
    for (int32_t column = 0; column < TERMINAL_COLUMNS; column++) {
      int32_t x = window->x + 4 + column * GLYPH_WIDTH, y = window->y + 4 + row * GLYPH_HEIGHT;
      int is_cursor = row == terminal.row && column == terminal.column;
      if (is_cursor) fill((struct rect){x, y, x + GLYPH_WIDTH, y + GLYPH_HEIGHT}, 0x7fd1ae, clip);
      paint_glyph(x, y, terminal.cells[row][column], is_cursor ? 0x14171c : 0xd7dee6, clip);
    }
}

static void paint_meter(const struct window *window, struct rect clip) {
  fill((struct rect){window->x, window->y, window->x + window->width, window->y + window->height}, 0xf4f1ea, clip);
  char line[40];
  int32_t x = window->x + 12, y = window->y + 12;
  char *end = put_number(put_text(line, "x "), pointer.x);
  put_number(put_text(end, "  y "), pointer.y);
  paint_text(x, y, line, 0x2a2f36, clip);
  static const char *const names[] = {"left", "middle", "right"};
  for (int button = 0; button < 3; button++) {
    int32_t left = x + button * 80;
    uint32_t color = pointer.buttons >> button & 1 ? 0x2f6fde : 0xd5d0c4;
    fill((struct rect){left, y + 26, left + 72, y + 52}, color, clip);
    paint_text(left + 8, y + 31, names[button], 0x2a2f36, clip);
  }
  paint_text(x, y + 66, "wheel", 0x2a2f36, clip);
  fill((struct rect){x, y + 90, x + 232, y + 98}, 0xd5d0c4, clip);
  fill((struct rect){x, y + 90, x + level * 232 / 100, y + 98}, 0x2f6fde, clip);
}

static void paint_window(int index, struct rect clip) {
  const struct window *window = &windows[index];
  struct rect frame = frame_of(window);
  int is_front = order[WINDOWS - 1] == index;
  fill(frame, is_front ? 0x2f6fde : 0x5b6674, clip);
  paint_text(window->x + 6, window->y - TITLE + 2, window->title, 0xffffff, clip);
  if (index == PLASMA) paint_plasma(window, clip);
  else if (index == SHELL) paint_shell(window, clip);
  else paint_meter(window, clip);
}

// The desktop's top: what it is, and how fast.
static void paint_bar(const struct monitor *monitor, struct rect clip) {
  struct rect bar = {monitor->left, 0, monitor->left + monitor->picture.width, BAR};
  fill(bar, 0x14171c, clip);
  char line[80];
  char *end = put_text(line, "Debian in a page, drawn through Scanout   ");
  end = put_number(end, monitor->picture.width);
  end = put_text(end, "x");
  end = put_number(end, monitor->picture.height);
  end = put_text(end, "   ");
  end = put_number(end, frame_rate);
  put_text(end, " frames a second");
  paint_text(monitor->left + 10, 5, line, 0xd7dee6, clip);
}

static void paint_background(const struct monitor *monitor, struct rect clip) {
  for (int32_t y = clip.top; y < clip.bottom; y++) {
    uint32_t part = y * 255 / monitor->picture.height;
    uint32_t *row = pixel_at(clip.left, y);
    for (int32_t x = clip.left; x < clip.right; x++) {
      int32_t shade = wave((x - monitor->left) / 5 + wave(y / 4) / 3) / 16;
      *row++ = rgb(24 + part / 8 + shade, 70 + part / 4 + shade, 104 + part / 6 + shade);
    }
  }
}

// Draws everything again inside `damage`, on every monitor that it touches, and tells the card.
static void repaint(struct rect damage) {
  for (uint32_t index = 0; index < monitor_count; index++) {
    struct monitor *monitor = &monitors[index];
    if (!monitor->is_lit) continue;
    struct rect clip = intersect(damage, monitor_rect(monitor));
    if (is_empty(clip)) continue;
    begin_painting(monitor);
    paint_background(monitor, clip);
    for (int i = 0; i < WINDOWS; i++) {
      struct rect inside = intersect(clip, frame_of(&windows[order[i]]));
      if (!is_empty(inside)) paint_window(order[i], inside);
    }
    struct rect bar = intersect(clip, (struct rect){monitor->left, 0, clip.right, BAR});
    if (!is_empty(bar)) paint_bar(monitor, bar);
    end_painting(monitor, clip);
  }
}

static void repaint_all(void) { repaint((struct rect){0, 0, desktop_width(), desktop_height()}); }

static void raise_window(int position) {
  int index = order[position];
  for (; position < WINDOWS - 1; position++) order[position] = order[position + 1];
  order[WINDOWS - 1] = index;
}

// The window below the pointer as a place in `order`; -1 where there is none.
static int window_below_pointer(void) {
  for (int i = WINDOWS - 1; i >= 0; i--)
    if (contains(frame_of(&windows[order[i]]), pointer.x, pointer.y)) return i;
  return -1;
}

static void pointer_pressed(void) {
  int position = window_below_pointer();
  if (position < 0) return;
  int index = order[position];
  raise_window(position);
  if (pointer.y < windows[index].y) {
    dragged = index;
    drag_x = pointer.x - windows[index].x;
    drag_y = pointer.y - windows[index].y;
  }
  repaint_all();
}

static void drag_window(void) {
  struct window *window = &windows[dragged];
  struct rect before = frame_of(window);
  window->x = pointer.x - drag_x;
  window->y = pointer.y - drag_y < BAR + TITLE ? BAR + TITLE : pointer.y - drag_y;
  repaint(before);
  repaint(frame_of(window));
}

static void pointer_changed(uint32_t buttons_before) {
  if ((pointer.buttons & 1) && !(buttons_before & 1)) pointer_pressed();
  if (!(pointer.buttons & 1)) dragged = -1;
  if (dragged >= 0) drag_window();
  level += pointer.wheel * 4;
  level = level < 0 ? 0 : level > 100 ? 100 : level;
  int position = window_below_pointer();
  int is_title = dragged >= 0 || (position >= 0 && pointer.y < windows[order[position]].y);
  show_cursor(is_title ? CURSOR_HAND : CURSOR_ARROW, pointer.x, pointer.y);
  repaint(frame_of(&windows[METER]));
}

static void show_all(void) {
  repaint_all();
  forget_cursor();
  show_cursor(CURSOR_ARROW, pointer.x, pointer.y);
}

// All keys are the shell's but Control and N, which takes the next mode of the first monitor.
static void read_keys(void) {
  char keys[64];
  long count = system_call(SYS_read, 0, (long)keys, sizeof keys);
  if (count == 1 && keys[0] == NEXT_MODE) {
    monitors[0].choice++;
    if (fit_monitors()) show_all();
    return;
  }
  if (count > 0) send_to_shell(keys, count);
}

static void animate(void) {
  static uint32_t second, frames;
  frames++;
  if (now - second >= 1000) {
    frame_rate = frames * 1000 / (now - second);
    second = now;
    frames = 0;
    repaint((struct rect){0, 0, desktop_width(), BAR});
  }
  const struct window *plasma = &windows[PLASMA];
  repaint((struct rect){plasma->x, plasma->y, plasma->x + plasma->width, plasma->y + plasma->height});
}

int program(int argc, char **argv) {
  (void)argc, (void)argv;
  load_font(); // a terminal in graphics mode has none
  open_keyboard();
  open_monitors();
  open_pointer();
  start_shell();
  now = milliseconds();
  repaint_all();
  show_cursor(CURSOR_ARROW, 0, 0);
  for (uint32_t drawn = 0;;) {
    struct poll_entry inputs[] = {{.file = 0, .events = POLLIN}, {.file = terminal.file, .events = POLLIN},
        {.file = hotplug_socket, .events = POLLIN}};
    system_call(SYS_poll, (long)inputs, 3, FRAME_MILLISECONDS);
    now = milliseconds();
    if (inputs[0].result & POLLIN) read_keys();
    if ((inputs[1].result & POLLIN) && read_shell()) repaint(frame_of(&windows[SHELL]));
    if ((inputs[2].result & POLLIN) && monitors_changed()) show_all();
    uint32_t buttons_before = pointer.buttons;
    while (read_pointer(desktop_width(), desktop_height())) {
      pointer_changed(buttons_before);
      buttons_before = pointer.buttons;
    }
    if (now - drawn >= FRAME_MILLISECONDS) {
      drawn = now;
      animate();
    }
  }
}
