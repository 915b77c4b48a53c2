/*
 * quit.h - the measuring programs' one way to fail: a line on standard error, and status 1. A
 * measurement that met anything unexpected is none.
 */
#ifndef QUIT_H
#define QUIT_H

__attribute__((format(printf, 1, 2))) _Noreturn void quit(const char *format, ...);

#endif
