// A shell behind a pseudo-terminal, and as much of a terminal as it needs: lines, backspace, tab, clear.
#pragma once

#include "linux.h"

enum { SYS_fork = 2, SYS_execve = 11, SYS_dup2 = 63, SYS_setsid = 66, O_NONBLOCK = 04000 };
enum { TCGETS = 0x5401, TCSETS = 0x5402, TIOCSCTTY = 0x540e, TIOCSWINSZ = 0x5414, KDSETMODE = 0x4b3a, KD_GRAPHICS = 1 };
enum { POLLIN = 1, TERMINAL_COLUMNS = 58, TERMINAL_ROWS = 18 };

#define TIOCGPTN 0x80045430u
#define TIOCSPTLCK 0x40045431u

struct poll_entry { int32_t file; int16_t events, result; };
struct termios { uint32_t input, output, control, local; uint8_t line, keys[19]; };

static struct {
  long file;
  int row, column;
  int escape; // 1 after ESC, 2 in a sequence that it begins
  char cells[TERMINAL_ROWS][TERMINAL_COLUMNS];
} terminal;

// Standard input is a virtual terminal: its keys come as they are, and its console stays away from the screen.
static inline void open_keyboard(void) {
  struct termios raw;
  require(system_call(SYS_ioctl, 0, TCGETS, (long)&raw), "TCGETS");
  raw.input = 0;
  raw.local = 0;
  require(system_call(SYS_ioctl, 0, TCSETS, (long)&raw), "TCSETS");
  require(system_call(SYS_ioctl, 0, KDSETMODE, KD_GRAPHICS), "KDSETMODE");
}

static inline void run_shell(const char *path) {
  static const char *const arguments[] = {"sh", "-i", 0};
  static const char *const environment[] = {"PATH=/bin", "HOME=/", "TERM=dumb", "PS1=debian# ", 0};
  system_call(SYS_setsid, 0, 0, 0);
  long file = system_call(SYS_open, (long)path, O_RDWR, 0);
  system_call(SYS_ioctl, file, TIOCSCTTY, 0);
  for (int i = 0; i < 3; i++) system_call(SYS_dup2, file, i, 0);
  system_call(SYS_execve, (long)"/bin/busybox", (long)arguments, (long)environment);
  system_call(SYS_exit, 1, 0, 0);
}

static inline void start_shell(void) {
  int32_t number = 0, unlocked = 0;
  struct { uint16_t rows, columns, x, y; } size = {TERMINAL_ROWS, TERMINAL_COLUMNS, 0, 0};
  memset(terminal.cells, ' ', sizeof terminal.cells);
  terminal.file = system_call(SYS_open, (long)"/dev/ptmx", O_RDWR | O_NONBLOCK, 0);
  require(terminal.file, "/dev/ptmx");
  system_call(SYS_ioctl, terminal.file, TIOCSPTLCK, (long)&unlocked);
  system_call(SYS_ioctl, terminal.file, TIOCGPTN, (long)&number);
  system_call(SYS_ioctl, terminal.file, TIOCSWINSZ, (long)&size);
  char path[] = "/dev/pts/0";
  path[9] += number;
  if (system_call(SYS_fork, 0, 0, 0) == 0) run_shell(path);
}

static inline void next_row(void) {
  if (++terminal.row < TERMINAL_ROWS) return;
  terminal.row = TERMINAL_ROWS - 1;
  memcpy(terminal.cells, terminal.cells[1], (TERMINAL_ROWS - 1) * TERMINAL_COLUMNS);
  memset(terminal.cells[TERMINAL_ROWS - 1], ' ', TERMINAL_COLUMNS);
}

static inline void put_character(char character) {
  if (terminal.escape) { // busybox asks where the cursor is, and clears to the end: neither is needed
    int is_begin = terminal.escape == 1 && character == '[';
    if (character == 'J') memset(&terminal.cells[terminal.row][terminal.column], ' ', TERMINAL_COLUMNS - terminal.column);
    terminal.escape = is_begin || (terminal.escape == 2 && character < '@') ? 2 : 0;
    return;
  }
  switch (character) {
  case 27: terminal.escape = 1; return;
  case '\n': next_row(); return;
  case '\r': terminal.column = 0; return;
  case '\b': if (terminal.column) terminal.column--; return;
  case '\t': terminal.column = (terminal.column | 7) + 1; break;
  default:
    if (character < ' ') return;
    terminal.cells[terminal.row][terminal.column++] = character;
  }
  if (terminal.column < TERMINAL_COLUMNS) return;
  terminal.column = 0;
  next_row();
}

// Takes what the shell has printed; returns whether there was anything.
static inline int read_shell(void) {
  char text[512];
  long count = system_call(SYS_read, terminal.file, (long)text, sizeof text);
  for (long i = 0; i < count; i++) put_character(text[i]);
  return count > 0;
}

static inline void send_to_shell(const char *keys, long count) { system_call(SYS_write, terminal.file, (long)keys, count); }
