// Which processors this program may run on, and which two do not share a core.
#ifndef PROCESSORS_H
#define PROCESSORS_H

// Lets the calling thread run on one processor only.
void pin(int processor);
// The processor that measures.
int first_processor(void);
// A processor of another core than the first; of the same core if there is no other; -1 if there is only one processor.
int other_processor(void);

#endif
