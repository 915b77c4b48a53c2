/* processors.h - how many processors this process may use, asked each time; at least 1. */
#ifndef PROCESSORS_H
#define PROCESSORS_H

unsigned processors_usable(void);

#endif
