// What these programs need of Linux on i386: system calls, a little text output, an entry point. There is no C library.
// A program defines `int program(int argc, char **argv)`; what it returns is its exit status.
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SYS_exit = 1, SYS_read = 3, SYS_write = 4, SYS_open = 5, SYS_close = 6, SYS_ioctl = 54, SYS_munmap = 91 };
enum { SYS_poll = 168, SYS_mmap2 = 192, SYS_clock_gettime = 265 };
enum { EBUSY = 16, EEXIST = 17, ENODEV = 19, EINVAL = 22, ENOSYS = 38, MAX_ERRNO = 4095 };
enum { O_RDWR = 2, PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, CLOCK_MONOTONIC = 1 };

static inline long system_call(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "0"(number), "b"(a), "c"(b), "d"(c) : "memory");
  return result;
}

// The sixth argument goes in ebp, which the compiler may need for itself: so it is pushed, and ebp changed around the call.
static inline long system_call6(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  __asm__ volatile("push %[f]; push %%ebp; mov 4(%%esp), %%ebp; int $0x80; pop %%ebp; add $4, %%esp"
                   : "=a"(result)
                   : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e), [f] "m"(f)
                   : "memory");
  return result;
}

// The compiler calls these two for structures, even where no library is.
void *memset(void *to, int value, size_t length) {
  for (size_t i = 0; i < length; i++) ((volatile char *)to)[i] = value;
  return to;
}

void *memcpy(void *to, const void *from, size_t length) {
  for (size_t i = 0; i < length; i++) ((volatile char *)to)[i] = ((const char *)from)[i];
  return to;
}

static inline void print(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  system_call(SYS_write, 1, (long)text, length);
}

static inline void print_number(int32_t value) {
  char digits[12];
  char *at = digits + sizeof digits - 1;
  uint32_t rest = value < 0 ? -(uint32_t)value : (uint32_t)value;
  *at = 0;
  do *--at = '0' + rest % 10;
  while (rest /= 10);
  if (value < 0) *--at = '-';
  print(at);
}

static inline int32_t parse_number(const char *text) {
  int32_t value = 0, sign = 1;
  if (*text == '-') sign = -1, text++;
  while (*text >= '0' && *text <= '9') value = value * 10 + (*text++ - '0');
  return sign * value;
}

static inline uint32_t milliseconds(void) {
  struct { int32_t seconds, nanoseconds; } now;
  system_call(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0);
  return now.seconds * 1000u + now.nanoseconds / 1000000;
}

// Ends the program with a message where `result`, which the kernel returned, is an error. An address is none.
static inline void require(long result, const char *what) {
  if ((unsigned long)result < -(unsigned long)MAX_ERRNO) return;
  print("FAIL ");
  print(what);
  print(" errno ");
  print_number(-result);
  print("\ndone\n");
  system_call(SYS_exit, 1, 0, 0);
}

// Says that everything is shown, and returns when standard input has a byte or ends.
static inline void wait_for_byte(void) {
  char byte;
  print("ready\n");
  system_call(SYS_read, 0, (long)&byte, 1);
}

int program(int argc, char **argv);

// `stack` is what the kernel left there: argc, argv[0..argc-1], 0.
__attribute__((used)) static void start(long *stack) {
  int status = program(stack[0], (char **)(stack + 1));
  print("done\n");
  system_call(SYS_exit, status, 0, 0);
}

__asm__(".globl _start\n_start: mov %esp, %eax; and $-16, %esp; sub $12, %esp; push %eax; call start");
